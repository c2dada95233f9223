-- Ready checks: `neap.check.tcp{}` and `neap.check.http{}` stand as a policy's `check`, and the
-- `health` of a pool is made into one of them. A check is a function(backend) that returns true, or
-- false, a reason, and "connect" if there was not even a connection.
--
-- The agent gives them the backend's known addresses besides, so that a check neither waits for the
-- name's lookup nor fails with it.

local section = require "neap.config.check"
local report = require "neap.config.report"
local schema = require "neap.config.schema"

local check = {}

local ready = setmetatable({}, { __mode = "k" })

-- Is it one of ours, which wants the addresses?
function check.is_ready(fn) return ready[fn] ~= nil end

local function known(kind, options)
  local own = { type = kind }
  for key, value in pairs(options or {}) do own[key] = value end
  local errors = report.new()
  local checked = section.section(schema.health, own, "neap.check." .. kind, errors)
  if errors:is_clean() then return checked end
  local first = errors:close()[1]
  error(("%s: %s"):format(first.key, first.text), 3)
end

local function make(settings)
  local run = require("neap.check." .. settings.type)
  local fn = function(backend, addresses)
    return run(settings, backend, addresses or { backend.host })
  end
  ready[fn] = true
  return fn
end

---@param health table  as the configuration has it, type "tcp" or "http"
---@return function
function check.of(health) return make(health) end

---@param options table?  timeout
---@return function
function check.tcp(options) return make(known("tcp", options)) end

---@param options table?  method, path, host, status, body, timeout
---@return function
function check.http(options) return make(known("http", options)) end

return check
