-- A balancer whose request hook asks Redis.
--
--   redis_hook.start(options, code) → n    options: a text, of neap.redis; the code has the client
--       as `r`, tell(r, …) → what it says as a text, shown(value) → a text
--   redis_hook.asker(options) → ask, n     ask "SET a 1; GET a" → "OK; 1"

local hook_code = require "support.hook_code"

local redis_hook = {}

local SHOW = [[
local function shown(value)
  if value == neap.redis.null then return "null" end
  if type(value) ~= "table" then return tostring(value) end
  local names, parts = {}, {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for i, name in ipairs(names) do
    local text = shown(value[name])
    parts[i] = type(name) == "number" and text or tostring(name) .. "=" .. text
  end
  return "{" .. table.concat(parts, " ") .. "}"
end
local function tell(r, ...)
  local value, why = r:call(...)
  return why and "why: " .. why or shown(value)
end
]]

local TELL = [[
  local told = {}
  for command in request:header "commands":gmatch "[^;]+" do
    local words = {}
    for word in command:gmatch "%S+" do words[#words + 1] = word end
    told[#told + 1] = tell(r, unpack(words))
  end
  return table.concat(told, "; ")]]

function redis_hook.start(options, code)
  return hook_code.start(code, {}, { config = ", workers = 1", allow = { "neap" },
    top = SHOW .. ("local r = neap.redis { %s }"):format(options) })
end

function redis_hook.asker(options)
  local n = redis_hook.start(options, TELL)
  return function(commands) return n:get("/", { Commands = commands }).body end, n
end

return redis_hook
