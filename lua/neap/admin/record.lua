-- Recording live traffic, for `neap record` (docs/replay.md):
--   POST /record        { "seconds": 10, "count": 1000, "redact": ["cookie", …] } begins; the
--                       answer is the file's first line
--   POST /record/take   the lines that there are, as JSON lines; the first one says how it stands
--   DELETE /record      ends it

local cjson = require "cjson.safe"
local ffi = require "neap.ffi"
local json = require "neap.admin.json"
local native = require "neap.native"
local reply = require "neap.admin.reply"
local runtime = require "neap.runtime"
local show = require "neap.config.show"

local C = ffi.C

local record = {}

local SECONDS, SECONDS_MAX = 10, 3600
local COUNT_MAX = 1000000
local ROOM = 4 * 1024 * 1024 -- of lines in one answer
local REDACTED = { "cookie", "authorization", "proxy-authorization" }

-- ---- what is asked for ----

local function check_number(value, key, most)
  local given = value[key]
  if given == nil then return nil end
  if type(given) ~= "number" or not (given >= 1 and given <= most) or given % 1 ~= 0 then
    return ("%s: %s is wrong (expected a whole number from 1 to %d)"):format(key,
      show.value(given), most)
  end
end

local function check_redact(value)
  local list = value.redact
  if list == nil then return nil end
  if type(list) ~= "table" then
    return ("redact: %s is wrong (expected a list of names of headers)"):format(show.value(list))
  end
  for _, name in pairs(list) do
    if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+.^_`|~-]+$" then
      return ("redact: %s is no name of a header"):format(show.value(name))
    end
  end
end

local KNOWN = { seconds = true, count = true, redact = true }

local function check(value)
  for key in pairs(value) do
    if not KNOWN[key] then
      return ("%s: unknown key (known here: seconds, count, redact)")
        :format(show.text(tostring(key)))
    end
  end
  return check_number(value, "seconds", SECONDS_MAX) or check_number(value, "count", COUNT_MAX)
    or check_redact(value)
end

local function read_body(q)
  if q.body == "" then return {} end
  local value, why = cjson.decode(q.body)
  if type(value) ~= "table" or value[1] ~= nil then
    return nil, ("the body is not a JSON object: %s"):format(tostring(why or "expected { … }"))
  end
  why = check(value)
  if why then return nil, why end
  return value
end

-- ---- the first line ----

local function services()
  local list = json.list()
  for i, service in ipairs(runtime.config.services) do
    list[i] = { name = service.name, mode = service.mode, pool = service.pool or json.null,
      policy = type(service.policy) == "string" and service.policy or json.null }
  end
  return list
end

local function pools()
  local list = json.list()
  for i, pool in ipairs(runtime.config.pools) do
    list[i] = { name = pool.name, panic = pool.panic or 0,
      slow_start = pool.slow_start or json.null,
      policy = type(pool.policy) == "string" and pool.policy or json.null }
  end
  return list
end

local function head(redact)
  return { recording = 1, neap = native.version, began = C.neap_wall_ms() / 1000,
    redacted = json.list(redact), services = services(), pools = pools() }
end

-- ---- the endpoints ----

local buffer -- while a recording is under way

local function look()
  local state = ffi.new "neap_recording"
  C.neap_recording_look(state)
  return state
end

local function lower_all(names)
  local list = {}
  for i, name in ipairs(names) do list[i] = name:lower() end
  return list
end

function record.start(q)
  local value, why = read_body(q)
  if not value then return reply.error(400, why) end
  local redact = lower_all(value.redact or REDACTED)
  local names = "," .. table.concat(redact, ",") .. ","
  if #names > 2000 then return reply.error(400, "redact: the list is too long") end
  local ms, count = (value.seconds or SECONDS) * 1000, value.count or COUNT_MAX
  if C.neap_recording_start(ms, count, names, #names) == 0 then
    return reply.error(409, "a recording is under way already (DELETE /record ends it)")
  end
  return reply.json(200, head(redact))
end

local function none() return reply.error(404, "nothing is recorded (POST /record begins)") end

function record.take()
  local state = look()
  if state.is_on == 0 then return none() end
  buffer = buffer or ffi.new("char[?]", ROOM)
  local n = C.neap_recording_take(buffer, ROOM)
  local status = ('{"is_over":%s,"begun":%d,"lost":%d}\n')
    :format(tostring(state.is_over == 1), state.begun, state.lost)
  return reply.text(200, "application/x-ndjson", status .. ffi.string(buffer, n))
end

function record.stop()
  if look().is_on == 0 then return none() end
  C.neap_recording_stop()
  buffer = nil
  return reply.json(200, { status = "stopped" })
end

return record
