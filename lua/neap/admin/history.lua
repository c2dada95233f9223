-- GET /history: what a service, a pool or a backend did lately.

local agent = require "neap.agent"
local buffer = require "neap.admin.buffer"
local ffi = require "neap.ffi"
local json = require "neap.admin.json"
local pack = require "neap.admin.pack"
local past = require "neap.agent.history"
local reply = require "neap.admin.reply"
local runtime = require "neap.runtime"
local show = require "neap.config.show"

local C = ffi.C

local history = {}

local KNOWN = { service = true, pool = true, backend = true, since = true, step = true }

local function unescape(text)
  text = text:gsub("%+", " ")
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

---@return table? wanted  service, pool, backend, since, step
---@return string? why
local function parse(query)
  local wanted = { step = "1", since = "0" }
  for pair in (query or ""):gmatch "[^&]+" do
    local name, value = pair:match "^([^=]*)=?(.*)$" -- linear: no repetition meets another
    name = unescape(name)
    if not KNOWN[name] then
      return nil, ("'%s' is no parameter (expected service, pool, backend, since or step)")
        :format(show.text(name))
    end
    wanted[name] = unescape(value)
  end
  return wanted
end

local function check(wanted)
  wanted.since, wanted.step = tonumber(wanted.since), tonumber(wanted.step)
  if not wanted.since or wanted.since ~= wanted.since then
    return "since: expected Unix time in seconds"
  end
  if not past.steps[wanted.step] then return "step: expected 1 or 60 (seconds)" end
  if wanted.backend and not wanted.pool then return "backend: its pool is missing" end
  if wanted.service and wanted.pool then return "expected a service or a pool, not both" end
  if not wanted.service and not wanted.pool then
    return "expected service=NAME, pool=NAME, or pool=NAME&backend=NAME"
  end
  if wanted.backend and wanted.step ~= 1 then return "step: backends have only 1 (second)" end
end

local function find(list, name)
  for _, one in ipairs(list) do
    if one.name == name then return one end
  end
end

-- Whose history it is.
---@return string[]? key  kind, name, and of a backend its pool
---@return string? why
local function whose(wanted)
  local service, pool_name, name = wanted.service, wanted.pool, wanted.backend
  if service then
    if find(runtime.config.services, service) then return { "service", service } end
    return nil, ("there is no service '%s'"):format(show.text(service))
  end
  local pool = find(agent.current().pools, pool_name)
  if not pool then return nil, ("there is no pool '%s'"):format(show.text(pool_name)) end
  if not name then return { "pool", pool_name } end
  if pool.by_name[name] then return { "backend", name, pool_name } end
  return nil, ("there is no backend '%s' in the pool '%s'"):format(show.text(name),
    show.text(pool_name))
end

local function number(n)
  if n ~= n then return "null" end
  return n % 1 == 0 and n < 2 ^ 31 and ("%d"):format(n) or ("%.4g"):format(n)
end

local function put_list(out, list)
  out:put "["
  for i = 1, #list do out:put(i > 1 and "," or "", number(list[i])) end
  out:put "]"
end

local function text_of(wanted, first, samples)
  local out = buffer.new()
  out:put(('{"step":%d,"now":%.3f,"first":%s'):format(wanted.step, C.neap_wall_ms() / 1000,
    first and ("%d"):format(first) or "null"))
  for _, name in ipairs { "service", "pool", "backend" } do
    if wanted[name] then out:put(",", json.quote(name), ":", json.quote(wanted[name])) end
  end
  for i, name in ipairs(past.fields) do
    out:put(",", json.quote(name), ":")
    put_list(out, samples and samples[i] or {})
  end
  out:put "}\n"
  return out:get()
end

function history.answer(q)
  local wanted, why = parse(q.query)
  why = why or check(wanted)
  if why then return reply.error(400, why) end
  local key
  key, why = whose(wanted)
  if not key then return reply.error(404, why) end
  local first, samples = past.read(key, wanted.step, wanted.since)
  return pack.answer(q, "history", "application/json", text_of(wanted, first, samples))
end

return history
