-- Keys of the simulated pool, as a config has them: `--pool 'slow_start=10s panic=0.5'`.

local show = require "neap.config.show"
local values = require "neap.sim.values"

local pool = {}

local function above_zero(text)
  local value = values.seconds(text)
  if value and value > 0 then return value end
  return nil, "a time above 0, like 10 or 30s"
end

local function share(text)
  local value = values.number(text)
  if value and value >= 0 and value <= 1 then return value end
  return nil, "a share from 0 to 1"
end

local KEYS = { slow_start = above_zero, panic = share,
  ["hedge.after"] = above_zero, ["hedge.share"] = share }
local NAMES = { "slow_start", "panic", "hedge.after", "hedge.share" }
local SHARE = 0.1 -- of a hedge, by default

local function with_hedge(keys)
  local after, part = keys["hedge.after"], keys["hedge.share"]
  if part and not after then return nil, nil, "hedge.share goes with hedge.after" end
  if after then keys.hedge = { after = after, share = part or SHARE } end
  return keys
end

---@param text string
---@return table? keys, nil, string? why
function pool.parse(text)
  local keys = {}
  for pair in text:gmatch "%S+" do
    local name, given = pair:match "^([%w_.]+)=(.+)$"
    if not name then return nil, nil, ("'%s' is not KEY=VALUE"):format(show.text(pair)) end
    if not KEYS[name] then
      return nil, nil, ("unknown key '%s'%s"):format(show.text(name), values.hint(name, NAMES))
    end
    local value, expected = KEYS[name](given)
    if not value then
      return nil, nil, ("%s '%s' is impossible (expected %s)"):format(name, show.text(given),
        expected)
    end
    keys[name] = value
  end
  if not next(keys) then return nil, nil, "KEY=VALUE is expected, like slow_start=10s" end
  return with_hedge(keys)
end

return pool
