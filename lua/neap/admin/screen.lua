-- /status as text for a terminal: `neap status` once, `neap top` again and again. Control
-- characters are taken out of texts from outside (names, reasons).

local decode = require("cjson.safe").decode
local null = require("cjson.safe").null
local plain = require "neap.admin.plain"

local clean = plain.text

local screen = {}

local ORDER = { down = 1, ejected = 2, drain = 3, unknown = 4, up = 5 }
local COLOURS = { down = "31", ejected = "31", drain = "33", up = "32", unknown = "2" }
local EVENTS = 5

local function width(text)
  local _, more = text:gsub("[\128-\191]", "")
  return #text - more
end

-- The first n characters, never half of one.
local function cut(text, n)
  if width(text) <= n then return text end
  local at, left = 1, math.max(n - 1, 0)
  while left > 0 do
    at = at + 1
    while (text:byte(at) or 0) >= 128 and (text:byte(at) or 0) < 192 do at = at + 1 end
    left = left - 1
  end
  return text:sub(1, at - 1) .. (n > 0 and "…" or "")
end

local function left(text, n)
  text = cut(text, n)
  return text .. (" "):rep(n - width(text))
end

local function right(text, n)
  text = cut(text, n)
  return (" "):rep(n - width(text)) .. text
end

local function count(n)
  if n == nil or n == null then return "–" end
  if n >= 1e6 then return ("%.1f M"):format(n / 1e6) end
  if n >= 1e4 then return ("%.1f k"):format(n / 1e3) end
  return (n >= 100 or n % 1 == 0) and ("%.0f"):format(n) or ("%.1f"):format(n)
end

local function seconds(s)
  if s == nil or s == null or s == 0 then return "–" end
  if s < 0.001 then return ("%.0f µs"):format(s * 1e6) end
  if s < 1 then return ("%.3g ms"):format(s * 1e3) end
  return ("%.1f s"):format(s)
end

local function ago(s)
  if s < 60 then return ("%.0f s"):format(math.max(s, 0)) end
  if s < 3600 then return ("%d min"):format(s / 60) end
  if s < 172800 then return ("%d h"):format(s / 3600) end
  return ("%d days"):format(s / 86400)
end

-- ---- what changed since the answer before ----

local before -- name → value, and the time of both
local after

local function rate(name, value)
  after[name] = value
  local old = before and before[name]
  local passed = before and after.time - before.time or 0
  if not old or passed <= 0 then return nil end
  return math.max(value - old, 0) / passed
end

-- Percentiles of what was counted since then, or since the start.
local function quantile(name, latency, bounds, share)
  after[name] = latency.buckets
  local old = before and before[name]
  local all, grown = 0, {}
  for i, n in ipairs(latency.buckets) do
    grown[i] = math.max(n - (old and old[i] or 0), 0)
    all = all + grown[i]
  end
  local seen = 0
  for i, n in ipairs(grown) do
    if n > 0 and seen + n >= all * share then
      local low, high = bounds[i - 1] or 0, bounds[i] or bounds[#bounds]
      return low + (high - low) * (all * share - seen) / n
    end
    seen = seen + n
  end
end

-- ---- the parts ----

local Page = {}
Page.__index = Page

-- A reader of a file or a pipe wants the whole reason.
function Page:line(text, colour)
  text = clean(text)
  if self.is_terminal then text = cut(text, self.columns) end
  if colour and self.is_terminal then text = ("\27[%sm%s\27[0m"):format(colour, text) end
  table.insert(self.lines, text)
end

function Page:room() return self.rows == 0 and math.huge or self.rows - #self.lines - 1 end

local function heading(page, s)
  local parts = { "neap " .. clean(s.version), clean(s.config), "generation " .. s.generation,
    "up " .. ago(s.now - s.started), s.draining and "draining" or nil }
  page:line(table.concat(parts, " · "), "1")
  if s.reload.error ~= null then
    page:line("the last reload was refused: " .. clean(s.reload.error), "31")
  end
  local inflight, connections = 0, 0
  for _, pool in ipairs(s.pools) do inflight = inflight + pool.inflight end
  for _, worker in ipairs(s.workers) do connections = connections + worker.connections end
  page:line(("%s in flight · %s client connections · %d worker%s"):format(count(inflight),
    count(connections), #s.workers, #s.workers == 1 and "" or "s"))
end

local function refusals(service)
  local sum = 0
  for _, n in pairs(service.refused) do sum = sum + n end
  return sum
end

local function services(page, s)
  local name = math.max(math.min(page.columns - 70, 30), 12)
  local function row(...)
    local cells = { ... }
    local text = left(cells[1], name)
    for i = 2, #cells do text = text .. right(cells[i], i == 2 and 10 or 9) end
    return text
  end
  page:line("")
  page:line(row("SERVICE", "requests", "a second", "p50", "p99", "4xx", "5xx", "refused"), "2")
  for i, service in ipairs(s.services) do
    if page:room() < 4 then return page:line(("  %d more"):format(#s.services - i + 1), "2") end
    local key = "service " .. service.name
    page:line(row(clean(service.name), count(service.requests), count(rate(key, service.requests)),
      seconds(quantile(key .. " 50", service.latency, s.bounds, 0.5)),
      seconds(quantile(key .. " 99", service.latency, s.bounds, 0.99)),
      count(service.answers["4xx"]), count(service.answers["5xx"]), count(refusals(service))))
    for _, hook in ipairs(service.hook_errors) do
      page:line(("  hook %s: %s %s%s"):format(clean(hook.name), count(hook.errors),
        hook.errors == 1 and "error" or "errors",
        hook.tripped and ", left out for now" or ""), "31")
    end
  end
end

local SOON = 14 -- days

-- Domains whose certificate a CA does not give.
local function failing_domains(page, service)
  for _, one in ipairs(service.acme or {}) do
    if type(one.error) == "string" and page:room() > 4 then
      page:line(("  %s: no certificate for %s: %s"):format(clean(service.name), clean(one.domain),
        clean(one.error)), "31")
    end
  end
end

-- Certificates that end soon, or have ended.
local function certificates(page, s)
  for _, service in ipairs(s.services) do
    failing_domains(page, service)
    for _, one in ipairs(service.certificates or {}) do
      if one.days < SOON and page:room() > 4 then
        local what = clean(one.name ~= "" and one.name or one.file)
        page:line(one.days < 0 and ("  %s: the certificate of %s has expired"):format(
          clean(service.name), what) or ("  %s: the certificate of %s expires in %d day%s"):format(
          clean(service.name), what, one.days, one.days == 1 and "" or "s"), "31")
      end
    end
  end
end

local function sorted(backends)
  local list = {}
  for i, backend in ipairs(backends) do list[i] = { backend, i } end
  table.sort(list, function(a, b)
    local x, y = ORDER[a[1].state] or 9, ORDER[b[1].state] or 9
    if x ~= y then return x < y end
    return a[2] < b[2]
  end)
  return list
end

-- Why it is in its state; if it serves and is suspect, why that.
local function why_of(backend)
  local suspect, state = backend.suspect, backend.state
  if type(suspect) == "table" and (state == "up" or state == "unknown") then
    return ("suspect, %d failed in a row: %s"):format(suspect.failures, suspect.reason)
  end
  if state == "up" and backend.origin.state ~= "api" then return "" end
  return backend.reason
end

-- Where backends are, if the config says: a column for each of tier and zone that differs from the
-- default.
local function place_columns(pool)
  local columns = { zone = 0 }
  for _, backend in ipairs(pool.backends) do
    columns.has_tiers = columns.has_tiers or (backend.tier or 0) ~= 0
    if type(backend.zone) == "string" then
      columns.zone = math.min(math.max(columns.zone, width(clean(backend.zone)), 4), 16)
    end
  end
  return columns
end

local function place_of(columns, tier, zone)
  local zones = columns.zone > 0 and left(zone, columns.zone) .. " " or ""
  return zones .. (columns.has_tiers and left(tier, 5) or "")
end

local function place_of_backend(columns, backend)
  local zone = type(backend.zone) == "string" and clean(backend.zone) or "–"
  return place_of(columns, tostring(backend.tier or 0), zone)
end

local NO_TIMES = { buckets = {} }

-- Heading, width, and what stands below it; no older neap has answers of backends.
local COLUMNS = {
  { "weight", 7, function(b) return tostring(b.weight) end },
  { "in flight", 10, function(b) return count(b.inflight) end },
  { "a second", 10, function(b, _, key) return count(rate(key, b.requests)) end },
  { "4xx", 8, function(b) return count(b.answers and b.answers["4xx"]) end },
  { "5xx", 8, function(b) return count(b.answers and b.answers["5xx"]) end },
  { "failures", 10, function(b) return count(b.failures) end },
  { "latency", 9, function(b) return seconds(b.latency) end },
  { "p99", 9, function(b, s, key)
    return seconds(quantile(key .. " 99", b.first_byte or NO_TIMES, s.bounds, 0.99))
  end },
  { "attempts", 10, function(b) return count(b.requests) end },
}

local function backend_head(name, columns)
  local text = "  " .. left("BACKEND", name) .. " " .. place_of(columns, "tier", "zone")
    .. left("state", 8)
  for _, column in ipairs(COLUMNS) do text = text .. right(column[1], column[2]) end
  return text .. "  for"
end

local function backend_line(pool, backend, name, s, columns)
  local why, key = why_of(backend), ("backend %s %s"):format(pool.name, backend.name)
  local text = "  " .. left(clean(backend.name), name) .. " " .. place_of_backend(columns, backend)
    .. left(backend.state, 8)
  for _, column in ipairs(COLUMNS) do
    text = text .. right(column[3](backend, s, key), column[2])
  end
  return text .. "  " .. ago(s.now - backend.since) .. (why ~= "" and ", " .. clean(why) or "")
end

-- Answers of 5xx each second; nothing while there are none.
local function errors_of(pool)
  local each = pool.answers and rate("errors of " .. pool.name, pool.answers["5xx"])
  return each and each > 0 and (", %s errors a second"):format(count(each)) or ""
end

local function is_there(value) return value ~= nil and value ~= null end

-- Where the pool's backends come from.
local function discover_line(found, now)
  local parts = { "  from " .. clean(found.type) }
  if is_there(found.revision) then table.insert(parts, "revision " .. clean(found.revision)) end
  if is_there(found.answered) then
    table.insert(parts, ("said %s ago"):format(ago(now - found.answered)))
  end
  if is_there(found.error) then table.insert(parts, clean(found.error)) end
  return table.concat(parts, ", ")
end

-- Where they come from, and what a second policy would do.
local function pool_facts(page, pool, s)
  local found, shadow = pool.discover, pool.shadow
  if type(found) == "table" then
    page:line(discover_line(found, s.now), is_there(found.error) and "31" or nil)
  end
  if type(shadow) == "table" then
    page:line(("  shadow %s: %s of %s agreed, %s differed"):format(clean(shadow.policy),
      count(shadow.agreed), count(shadow.asked), count(shadow.differed)))
  end
end

local function pool_of(page, pool, s)
  local name = math.max(math.min(page.columns - 90, 40), 16)
  page:line("")
  local queue = pool.queue.waiting > 0 and (", %s wait in the queue"):format(
    count(pool.queue.waiting)) or ""
  page:line(("POOL %s: %d of %d serve%s%s%s"):format(clean(pool.name), pool.up, pool.count,
    pool.panics and ", too few: all are used" or "", queue, errors_of(pool)),
    pool.up < pool.count and "1;31" or "1")
  pool_facts(page, pool, s)
  local columns = place_columns(pool)
  page:line(backend_head(name, columns), "2")
  local list = sorted(pool.backends)
  for i, entry in ipairs(list) do
    local text = backend_line(pool, entry[1], name, s, columns)
    if page:room() > 1 or (i == #list and page:room() > 0) then
      page:line(text, entry[1].state ~= "up" and COLOURS[entry[1].state] or nil)
    elseif page:room() > 0 then
      page:line(("  … and %d more"):format(#list - i + 1), "2")
    end
  end
end

local function bytes(n)
  if n < 2 ^ 20 then return ("%.0f KiB"):format(n / 2 ^ 10) end
  return ("%.1f MiB"):format(n / 2 ^ 20)
end

local function share(n, of) return of > 0 and ("%.1f %%"):format(n / of * 100) or "–" end

-- The shared stores. No older neap has hits.
local function stores(page, s)
  local list = s.shared or {}
  if #list == 0 or page:room() < 4 then return end
  local name = math.max(math.min(page.columns - 70, 30), 12)
  page:line("")
  page:line("  " .. left("STORE", name) .. right("entries", 10) .. right("used", 12)
    .. right("of", 12) .. right("reads/s", 9) .. right("hits", 9) .. right("evicted", 9), "2")
  for _, store in ipairs(list) do
    if page:room() < 2 then return end
    local reads = (store.hits or 0) + (store.misses or 0)
    page:line("  " .. left(clean(store.name), name) .. right(count(store.entries), 10)
      .. right(bytes(store.used), 12) .. right(bytes(store.bytes), 12)
      .. right(count(rate("store " .. store.name, reads)), 9)
      .. right(share(store.hits or 0, reads), 9) .. right(count(store.evicted), 9))
  end
end

local function event_text(event)
  if event.kind ~= "state" then return clean(event.text) end
  local why = event.text ~= "" and " (" .. clean(event.text) .. ")" or ""
  return ("%s of %s: %s%s"):format(clean(event.backend), clean(event.pool), clean(event.to), why)
end

local function events(page, s)
  if #s.events == 0 or page:room() < 3 then return end
  page:line("")
  page:line("LATELY", "2")
  for i = 1, math.min(#s.events, EVENTS, page:room()) do
    local event = s.events[i]
    page:line(("  %8s ago  %s"):format(ago(s.now - event.time), event_text(event)))
  end
end

-- In top, each line is cleared after its end, and so is everything below the last one.
local function finish(page)
  if page.rows == 0 then return table.concat(page.lines, "\n") .. "\n" end
  while #page.lines < page.rows - 1 do table.insert(page.lines, "") end
  page:line(page.is_terminal and "q ends this" or "", "2")
  return table.concat(page.lines, "\27[K\n", 1, page.rows) .. "\27[K"
end

---@param text string  /status
---@param columns integer
---@param rows integer  0: as many as it takes
---@return string? text, string? why
function screen.draw(text, columns, rows, is_terminal)
  local s, why = decode(text)
  if type(s) ~= "table" or type(s.pools) ~= "table" then
    return nil, "the admin side's answer is not a status: " .. tostring(why)
  end
  before, after = after, { time = s.now }
  local page = setmetatable({ lines = {}, columns = columns, rows = rows,
    is_terminal = is_terminal }, Page)
  heading(page, s)
  services(page, s)
  certificates(page, s)
  for _, pool in ipairs(s.pools) do
    if page:room() > 4 then pool_of(page, pool, s) end
  end
  stores(page, s)
  events(page, s)
  return finish(page)
end

return screen
