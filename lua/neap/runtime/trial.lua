-- `neap check`: puts the configured backends on the board of the checking process, without looking
-- up names or checking anybody, so that the pick hooks have something to choose from.

local backends = require "neap.runtime.backends"
local board = require "neap.agent.board"
local ffi = require "neap.ffi"
local keeps = require "neap.runtime.keeps"
local pools = require "neap.runtime.pools"
local request = require "neap.runtime.request"
local runtime = require "neap.runtime"
local show = require "neap.config.show"

local trial = {}

-- Stands in where only a discover hook would know backends.
local EXAMPLE = {
  name = "example", url = "http://127.0.0.1:1", scheme = "http", host = "127.0.0.1", port = 1,
  base = "", path = "", weight = 1, tier = 0, slots = false, tags = {},
}

local function publish(pool)
  local index, slots = board.pool(pool.name), {}
  local list = #pool.backends > 0 and pool.backends or { EXAMPLE }
  for _, backend in ipairs(list) do table.insert(slots, board.publish(index, backend, {})) end
  board.set_members(index, slots)
end

function trial.publish()
  board.attach()
  for _, pool in ipairs(runtime.config.pools) do publish(pool) end
end

local function kind_of(value)
  if rawequal(value, request.object) then return "request" end
  if ffi.istype(backends.type, value) then return "backend" end
  return type(value) == "table" and pools.info(value) and "pool" or nil
end

-- What the pick that has just run keeps of what it was given.
---@param service integer  from 0
---@param pool integer  from 0
---@return string?
function trial.kept(service, pool)
  local own, policy = runtime.of_pools[pool], runtime.of_services[service]
  local pick = own and own.pick or policy and policy.pick
  if not pick then return nil end
  local _, text = next(keeps.found(pick, kind_of))
  return text
end

-- The line of an error: whose policy it is, and what went wrong.
---@param path string  of the config
---@param service integer  from 0
---@param pool integer  from 0
---@param whose "policy"|"shadow"
---@param text string
---@return string
function trial.line(path, service, pool, whose, text)
  local config = runtime.config
  local own = config.pools[pool + 1]
  local key = whose == "shadow" and show.path(own.key, "shadow")
    or own.policy_key or config.services[service + 1].policy_key
  return ("%s: %s: pick of pool '%s', on a made-up request: %s"):format(path, key, own.name, text)
end

return trial
