-- The simulated backends: `--backends`, and what `--backend` says of some of them.

local plan = require "neap.sim.plan"
local show = require "neap.config.show"
local trim = require "neap.trim"
local values = require "neap.sim.values"

local backends = {}

local function above_zero(text)
  local value = values.number(text)
  if value and value > 0 then return value end
  return nil, "a number above 0"
end

local function integer(least, most)
  return function(text) return values.integer(text, least, most) end
end

local KEYS = {
  speed = above_zero, concurrency = integer(1, 1e6), weight = integer(0, 65535),
  tier = integer(0, 255), slots = integer(1, 1e6),
  zone = function(text) return text end,
}
local NAMES = { "speed", "concurrency", "weight", "tier", "slots", "zone" }

local function read_pair(pair)
  local key, text = pair:match "^([%w_%.]+)=(.+)$"
  if not key then return nil, ("'%s' is not KEY=VALUE"):format(show.text(pair)) end
  local tag = key:match "^tags%.([%w_]+)$"
  if tag then return { tag = tag, value = text } end
  if not KEYS[key] then
    return nil, ("unknown key '%s'%s"):format(show.text(key), values.hint(key, NAMES))
  end
  local value, expected = KEYS[key](text)
  if value == nil then
    return nil, ("%s '%s' is impossible (expected %s)"):format(key, show.text(text), expected)
  end
  return { key = key, value = value }
end

local function apply(list, text)
  local name, rest = trim.blanks(text):match "^(%S+)%s+(.*)$"
  if not name then return "expected BACKEND KEY=VALUE …, like 'b1-b3 speed=0.5'" end
  local first, last = plan.range(name, #list)
  if not first then return last end
  for pair in rest:gmatch "%S+" do
    local entry, why = read_pair(pair)
    if not entry then return why end
    for b = first, last do
      if entry.tag then
        list[b].tags[entry.tag] = entry.value
      else
        list[b][entry.key] = entry.value
      end
    end
  end
end

---@param o table  the flags
---@return table[]? list, string? why
function backends.make(o)
  local list = {}
  for b = 1, o.backends do
    list[b] = { name = "b" .. b, speed = 1, concurrency = o.concurrency, weight = 1, tier = 0,
      slots = false, tags = {} }
  end
  for _, text in ipairs(o.backend) do
    local why = apply(list, text)
    if why then return nil, ("--backend: '%s': %s"):format(show.text(text), why) end
  end
  return list
end

return backends
