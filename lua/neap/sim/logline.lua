-- One line of an access log: the combined format (with the time that the request took as its last
-- field, if there is one), or JSON with the fields of neap's own log and the names they have in
-- other logs.

local json = require "cjson.safe"

local floor = math.floor

local logline = {}

local MONTHS = {}
for i, name in ipairs { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
  "Dec" } do
  MONTHS[name] = i
end

-- Days since 1970 of a date (of the Gregorian calendar).
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400)
    + floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function seconds_of(year, month, day, hour, minute, second)
  return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
end

local function zone_of(sign, hours, minutes)
  local offset = (tonumber(hours) * 60 + tonumber(minutes)) * 60
  return sign == "-" and -offset or offset
end

-- 22/Nov/2026:22:05:03 +0000
local function combined_time(text)
  local day, name, year, hour, minute, second, sign, zh, zm =
    text:match "^(%d+)/(%a+)/(%d+):(%d%d):(%d%d):(%d%d) ([+-])(%d%d)(%d%d)$"
  local month = MONTHS[name]
  if not month then return nil end
  return seconds_of(tonumber(year), month, tonumber(day), hour, minute, second)
    - zone_of(sign, zh, zm)
end

-- 2026-11-22T22:05:03.25+01:00
local function iso_time(text)
  local year, month, day, hour, minute, second, rest =
    text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)[T ](%d%d):(%d%d):(%d%d%.?%d*)(.*)$"
  if not year then return nil end
  local time = seconds_of(tonumber(year), tonumber(month), tonumber(day), hour, minute,
    tonumber(second))
  local sign, zh, zm = rest:match "^([+-])(%d%d):?(%d%d)$"
  if sign then time = time - zone_of(sign, zh, zm) end
  return time, not second:find(".", 1, true)
end

local SAFE = { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true, DELETE = true }

local function finish(entry, target)
  local path, query = target:match "^([^?]*)%??(.*)$"
  entry.path = path
  entry.query = target:find("?", 1, true) and query or false
  entry.unsafe = not SAFE[entry.method]
  return entry
end

local function parse_combined(line)
  local ip, who, asked = line:match '^(%S+) %S+ ([^"]*)"(.*)$'
  local stamp = who and who:match "%[([^%[%]]+)%] $"
  local time = stamp and combined_time(stamp)
  local stop, status = (asked or ""):find '" %d%d?%d? ' -- that of a gRPC call is short
  if not time or not stop then return nil end
  local method, target = asked:sub(1, stop - 1):match "^(%u+) (%S+)"
  if not method then return nil end
  local rest = asked:sub(status + 1)
  -- linear: if the second quote is missing, it is missing for every beginning
  local referer, agent, tail = rest:match '^%S+ "(.-)" "(.-)"(.*)$'
  local took = (tail or rest):reverse():match "^%D*(%d+%.%d+)"
  return finish({
    time = time, is_coarse = true, method = method, client_ip = ip,
    took = took and tonumber(took:reverse()),
    headers = { ["user-agent"] = agent, referer = referer ~= "-" and referer or nil },
  }, target)
end

-- What each field is called, the preferred name first.
local TIME = { "time", "timestamp", "ts", "@timestamp", "time_iso8601", "msec" }
local METHOD = { "method", "request_method" }
local TARGET = { "target", "uri", "request_uri", "path", "url" }
local CLIENT = { "client_ip", "client", "remote_addr", "ip" }
local TOOK = { "first_byte", "upstream_response_time", "total", "request_time", "duration",
  "latency" }
local HEADERS = { "host", "user_agent", "referer", "cookie" }

local function first(object, names, kind)
  for _, name in ipairs(names) do
    local value = object[name]
    if type(value) == kind then return value end
    if kind == "number" and type(value) == "string" and tonumber(value) then
      return tonumber(value)
    end
  end
end

local function time_of(object)
  local number = first(object, TIME, "number")
  if number then
    if number > 1e11 then number = number / 1000 end -- milliseconds
    return number, number % 1 == 0
  end
  local text = first(object, TIME, "string")
  if text then return iso_time(text) end
end

local function headers_of(object)
  local headers = {}
  if type(object.headers) == "table" then
    for name, value in pairs(object.headers) do
      if type(name) == "string" and type(value) == "string" then headers[name:lower()] = value end
    end
  end
  for _, name in ipairs(HEADERS) do
    local value = object[name]
    if type(value) == "string" then headers[name:gsub("_", "-")] = value end
  end
  return headers
end

-- How long the backend took: up to its answer's first byte, if that is known, without the time
-- before it had the request.
local function took_of(object)
  local took = first(object, TOOK, "number")
  if took and type(object.first_byte) == "number" then
    for _, name in ipairs { "queued", "connect" } do
      local before = object[name]
      if type(before) == "number" and before > 0 then took = took - before end
    end
  end
  return took and took >= 0 and took or nil
end

local function parse_json(line)
  local object = json.decode(line)
  if type(object) ~= "table" then return nil end
  local time, is_coarse = time_of(object)
  local target = first(object, TARGET, "string")
  if not time or not target then return nil end
  if not target:find("?", 1, true) and type(object.query) == "string" and object.query ~= "" then
    target = target .. "?" .. object.query
  end
  return finish({
    time = time, is_coarse = is_coarse, method = first(object, METHOD, "string") or "GET",
    client_ip = first(object, CLIENT, "string") or "127.0.0.1",
    took = took_of(object), headers = headers_of(object),
  }, target)
end

---@param line string
---@return table?  -- time (since 1970), is_coarse (of whole seconds), method, path, query,
---  client_ip, headers, took (seconds, or nil), unsafe; nil: it is no such line
function logline.parse(line)
  if line:find "^%s*{" then return parse_json(line) end
  return parse_combined(line)
end

return logline
