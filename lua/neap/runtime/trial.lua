-- `neap check`: puts the configured backends on the board of the checking process, without looking
-- up names or checking them, so that the hooks have something to choose from.

local backends = require "neap.runtime.backends"
local board = require "neap.agent.board"
local doubts = require "neap.runtime.doubts"
local ffi = require "neap.ffi"
local guards = require "neap.runtime.guards"
local keeps = require "neap.runtime.keeps"
local pools = require "neap.runtime.pools"
local redis = require "neap.io.redis"
local request = require "neap.runtime.request"
local runtime = require "neap.runtime"
local show = require "neap.config.show"

local trial = {}

-- Stands in for the backends that only a discover hook would know.
local EXAMPLE = {
  name = "example", url = "http://127.0.0.1:1", scheme = "http", host = "127.0.0.1", port = 1,
  base = "", path = "", weight = 1, tier = 0, slots = false, tags = {},
}

local made = {} -- lines that make what should be made once

-- A hook makes it each time that it runs, which is of no use.
local function note_made()
  local place = debug.getinfo(3, "Sl")
  local where = ("%s:%d"):format(place.short_src, place.currentline)
  if not made[where] then table.insert(made, where) end
  made[where] = true
end

local function publish(pool)
  local index, slots = board.pool(pool.name), {}
  local list = #pool.backends > 0 and pool.backends or { EXAMPLE }
  for _, backend in ipairs(list) do table.insert(slots, board.publish(index, backend, {})) end
  board.set_members(index, slots)
end

function trial.publish()
  board.attach()
  redis.on_new = note_made
  for _, pool in ipairs(runtime.config.pools) do publish(pool) end
end

local function kind_of(value)
  if rawequal(value, request.object) then return "request" end
  if ffi.istype(backends.type, value) then return "backend" end
  return type(value) == "table" and pools.info(value) and "pool" or nil
end

-- The arguments that the pick which has just run still keeps.
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

-- The key of the config that names the policy of a hook.
local function key_of(config, service, pool, hook)
  if hook == "access_log.format" then return hook end
  local own, its = config.pools[pool + 1], config.services[service + 1]
  if hook == "shadow" then return show.path(own.key, "shadow") end
  local policy, theirs = runtime.of_pools[pool], runtime.of_services[service]
  local is_own = policy and policy[hook]
  if (hook == "response" or hook == "log") and theirs and theirs[hook] then is_own = false end
  return is_own and own.policy_key or its.policy_key or own and own.policy_key or "policy"
end

-- The line for an error: which policy it is, and what went wrong.
---@param path string  of the config
---@param service integer  from 0
---@param pool integer  from 0; -1: none
---@param hook string
---@param text string
---@return string
function trial.line(path, service, pool, hook, text)
  local config = runtime.config
  local key = key_of(config, service, pool, hook)
  local what = hook == "shadow" and "pick" or hook
  local subject = ("service '%s'"):format(config.services[service + 1].name)
  local own = config.pools[pool + 1]
  if what == "pick" and own then subject = ("pool '%s'"):format(own.name) end
  return ("%s: %s: %s of %s, on a made-up request: %s"):format(path, key, what, subject, text)
end

-- Settings that are not wrong, but perhaps not meant.
---@param path string  of the config
---@param answers table<integer, integer>  by service, from 0: what request answered; 0: nothing
---@return string  -- a line each
function trial.warnings(path, answers)
  local lines = guards.warnings(path, runtime.config, runtime.of_services, answers)
  for _, line in ipairs(doubts.lines(path, runtime.config, runtime.of_services,
    runtime.of_pools)) do
    table.insert(lines, line)
  end
  for _, where in ipairs(made) do
    table.insert(lines, ("%s: %s: a hook makes a client of neap.redis, each time that it runs "
      .. "(expected: made once, at the top of the file)"):format(path, where))
  end
  return table.concat(lines, "\n")
end

return trial
