-- neap.check: ready checks that stand as a policy's `check`, or are called in one.

local section = require "neap.config.check"
local ready = require "neap.check.ready"
local report = require "neap.config.report"
local schema = require "neap.config.schema"

local check = {}

-- The options of a pool's `health`, checked as that.
local function settings_of(kind, options)
  local own = { type = kind }
  for key, value in pairs(options or {}) do own[key] = value end
  local errors = report.new()
  local settings = section.section(schema.health, own, "neap.check." .. kind, errors)
  if errors:is_clean() then return settings end
  local first = errors:close()[1]
  error(("%s: %s"):format(first.key, first.text), 3)
end

-- It accepts a connection.
---@param options table?  timeout
---@return function
function check.tcp(options) return ready.make(settings_of("tcp", options)) end

-- It answers a request well.
---@param options table?  method, path, host, status, body, timeout
---@return function
function check.http(options) return ready.make(settings_of("http", options)) end

return check
