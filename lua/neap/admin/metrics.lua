-- GET /metrics: Prometheus' text format, version 0.0.4.

local agent = require "neap.agent"
local buffer = require "neap.admin.buffer"
local certificates = require "neap.agent.certificates"
local counters = require "neap.runtime.counters"
local counts = require "neap.admin.counts"
local digits = require "neap.digits"
local families = require "neap.admin.families"
local ffi = require "neap.ffi"
local json = require "neap.admin.json"
local native = require "neap.native"
local pack = require "neap.admin.pack"
local runtime = require "neap.runtime"
local sorted = require "neap.sorted"
local stores = require "neap.admin.stores"
local words = require "neap.words"

local C = ffi.C

local metrics = {}

local KEPT_SHARE = 5 -- an answer serves again for so many times as long as it took to make
local STRIDE = 4     -- every fourth bucket of a backend's histogram is shown
local MANY = 1000    -- with more backends than that, they have no histograms of their own

local function escape(text)
  if text:find "[\128-\255]" then text = json.valid(text) end
  return (text:gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }))
end

local function number(n)
  if n ~= n then return "NaN" end
  if n == math.huge then return "+Inf" end
  if n == -math.huge then return "-Inf" end
  return digits(n)
end

-- '{a="b",c="d"}', or "" for none.
local function labels(...)
  local parts = {}
  for i = 1, select("#", ...), 2 do
    local name, value = select(i, ...)
    parts[#parts + 1] = name .. '="' .. escape(tostring(value)) .. '"'
  end
  return table.concat(parts, ",")
end

-- ---- what there is to tell: lists of rows, each with `labels` ----

local sources = {}

function sources.process(q)
  local row = counts.life()
  row.labels, row.info = "", labels("version", native.version, "config", native.config or "")
  row.draining, row.reload_ok = q.is_draining and 1 or 0, row.is_failed and 0 or 1
  row.lua_memory = runtime.config.lua_memory
  row.lua_bytes = collectgarbage "count" * 1024
  return { row }
end

function sources.service()
  local rows = {}
  for i, service in ipairs(runtime.config.services) do
    rows[i] = counts.service(service.name)
    rows[i].labels = labels("service", service.name)
    if service.mode ~= "udp" then rows[i].dropped = {} end
  end
  return rows
end

function sources.hook()
  local rows = {}
  for i, service in ipairs(runtime.config.services) do
    for hook = 0, #counts.hooks do
      local errors, killed, is_tripped, calls, seconds = counts.hook(i - 1, hook)
      table.insert(rows, {
        labels = labels("service", service.name, "hook", counts.hooks[hook]),
        errors = errors, killed = killed, tripped = is_tripped and 1 or 0,
        calls = calls, seconds = seconds,
      })
    end
  end
  return rows
end

function sources.worker()
  local rows = {}
  for slot = 0, 63 do
    local worker = counts.worker(slot)
    if worker then
      worker.labels = labels("worker", slot)
      worker.up = worker.pid > 0 and 1 or 0
      table.insert(rows, worker)
    end
  end
  return rows
end

function sources.domain()
  local rows = {}
  for i, service in ipairs(runtime.config.services) do
    for _, state in ipairs(agent.current().acme:states(i - 1)) do
      state.labels = labels("service", service.name, "domain", state.domain)
      state.failing = state.error and 1 or 0
      table.insert(rows, state)
    end
  end
  return rows
end

function sources.store()
  local rows = stores.list()
  for _, row in ipairs(rows) do row.labels = labels("store", row.name) end
  return rows
end

function sources.certificate()
  local rows = {}
  for i, one in ipairs(certificates.list()) do
    local service = runtime.config.services[one.service + 1]
    rows[i] = { not_after = one.not_after, labels = labels("service",
      service and service.name or "", "name", one.name, "file", one.file) }
  end
  return rows
end

local function states_of(state)
  local map = {}
  for _, word in pairs(words.states) do map[word] = word == state and 1 or 0 end
  return map
end

local one_hot = {}
for _, word in pairs(words.states) do one_hot[word] = states_of(word) end

local function backend_row(pool, member, with_times)
  local row = counts.backend(member.slot, with_times)
  local condition = agent.current().board.condition(member.slot)
  local state = words.states[condition.state]
  row.labels = labels("pool", pool.name, "backend", member.name)
  row.is_coarse = true
  row.state, row.states, row.since = state, one_hot[state], condition.since / 1000
  row.up = (state == "up" or state == "unknown") and 1 or 0
  row.weight = C.neap_slot_at(member.slot).weight -- a policy or an agent may have changed it
  row.suspicion = agent.current().board.suspicion(member.slot)
  if pool.shadow then
    row.picks = {}
    row.picks.real, row.picks.shadow = counts.shadow_picks(member.slot)
  end
  return row
end

local function pool_row(pool)
  local own = counts.pool(pool.index)
  local row = { labels = labels("pool", pool.name), states = states_of(nil), answers = {} }
  row.inflight, row.requests, row.failures = 0, 0, 0
  row.panics = pool.is_panicking and 1 or 0
  row.first_byte = counts.times_of(pool.members)
  row.queue, row.budget = own.queue, own.budget
  row.shadow = pool.shadow and counts.shadow(pool.index) or {}
  row.hedge = pool.hedge and own.hedge or {}
  row.mirror = pool.mirror and counts.mirror(pool.index) or {}
  return row
end

local function add_backend(sum, row)
  sum.states[row.state] = sum.states[row.state] + 1
  sum.inflight, sum.requests = sum.inflight + row.inflight, sum.requests + row.requests
  sum.failures = sum.failures + row.failures
  counts.add_answers(sum.answers, row.answers)
end

local function count_all()
  local count = 0
  for _, pool in ipairs(agent.current().pools) do count = count + #pool.members end
  return count
end

-- Are there rows of backends, or only what they are together in each pool?
local function shows_backends(count)
  local limit = runtime.config.admin.metrics.backends
  if type(limit) == "number" then return count <= limit end
  return limit
end

-- Both from one walk: a pool's figures are those of its backends together.
local function pools_and_backends()
  local pools, backends, count = {}, {}, count_all()
  local is_shown = shows_backends(count)
  for i, pool in ipairs(agent.current().pools) do
    local sum = pool_row(pool)
    for _, member in ipairs(pool.members) do
      local row = backend_row(pool, member, is_shown and count <= MANY)
      add_backend(sum, row)
      if is_shown then table.insert(backends, row) end
    end
    pools[i] = sum
  end
  return pools, backends
end

-- ---- how it is written ----

local function join(a, b)
  if a == "" then return b end
  return b == "" and a or a .. "," .. b
end

local function sample(out, name, label, value)
  if label == "" then return out:put(name, " ", number(value), "\n") end
  out:put(name, "{", label, "} ", number(value), "\n")
end

local function histogram(out, name, row, times)
  local seen, stride = 0, row.is_coarse and STRIDE or 1
  for i, bound in ipairs(counts.bounds) do
    seen = seen + times[i]
    if i % stride == 0 then
      sample(out, name .. "_bucket", join(row.labels, ('le="%s"'):format(number(bound))), seen)
    end
  end
  sample(out, name .. "_bucket", join(row.labels, 'le="+Inf"'), times.count)
  sample(out, name .. "_sum", row.labels, times.sum)
  sample(out, name .. "_count", row.labels, times.count)
end

local function samples(out, family, row)
  local name = family[1]
  if not family.value then return sample(out, name, row.info, 1) end
  local value, label = family.value(row)
  if value == nil then return end
  if family[2] == "histogram" then return histogram(out, name, row, value) end
  if not label then return sample(out, name, row.labels, value) end
  for _, key in ipairs(sorted.keys(value)) do
    sample(out, name, join(row.labels, labels(label, key)), value[key])
  end
end

local function head(out, name, kind, help)
  help = json.valid(help):gsub("[\\\n]", { ["\\"] = "\\\\", ["\n"] = "\\n" })
  out:put("# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n")
end

-- The metrics of policies; names that begin like ours are left out.
local function policies(out)
  local help, known = {}, {}
  for _, metric in ipairs(counters.metrics()) do help[metric.name] = metric.help end
  for _, metric in ipairs(counts.named()) do
    local is_ours = metric.name:find "^neap_" or not metric.name:find "^[%a_:][%w_:]*$"
    if not known[metric.name] and not is_ours then
      known[metric.name] = true
      local text = help[metric.name]
      head(out, metric.name, metric.kind, text and text ~= "" and text or "Of a policy.")
      sample(out, metric.name, "", metric.value)
    end
  end
end

---@return string
function metrics.text(q)
  local rows, out = {}, buffer.new()
  for of, source in pairs(sources) do rows[of] = source(q) end
  rows.pool, rows.backend = pools_and_backends()
  for _, family in ipairs(families.rows) do
    head(out, family[1], family[2], family[3])
    for _, row in ipairs(rows[family.of]) do samples(out, family, row) end
  end
  policies(out)
  return out:get()
end

local kept, kept_until = nil, 0

function metrics.answer(q)
  local now = C.neap_clock()
  if not kept or now >= kept_until then
    kept = metrics.text(q)
    local ended = C.neap_clock()
    kept_until = ended + (ended - now) * KEPT_SHARE
  end
  return pack.answer(q, "metrics", "text/plain; version=0.0.4; charset=utf-8", kept)
end

return metrics
