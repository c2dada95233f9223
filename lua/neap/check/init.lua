-- neap.check: ready checks to use as a policy's `check`, or to call in one.

local section = require "neap.config.check"
require "neap.config.health"
local ready = require "neap.check.ready"
local report = require "neap.config.report"
local schema = require "neap.config.schema"

local check = {}

-- These keys say when a pool is checked, and what its results mean; a check alone has no use for
-- them.
local ABOUT_TIMES = { interval = true, fast = true, jitter = true, rise = true, fall = true,
  recheck = true, initial = true }

local rows = {}
for _, row in ipairs(schema.health) do
  if not ABOUT_TIMES[row[1]] then table.insert(rows, row) end
end

-- The options of a pool's `health`, and checked like it.
local function settings_of(kind, options)
  if options ~= nil and type(options) ~= "table" then
    error(("neap.check.%s: the options are a %s (expected a table)"):format(kind, type(options)), 3)
  end
  local own = { type = kind }
  for key, value in pairs(options or {}) do own[key] = value end
  local errors = report.new()
  local settings = section.section(rows, own, "neap.check." .. kind, errors)
  if errors:is_clean() then return settings end
  local first = errors:close()[1]
  error(("%s: %s"):format(first.key, first.text), 3)
end

-- It accepts a connection.
---@param options table?  timeout, address, port, send_proxy, send, expect
---@return function
function check.tcp(options) return ready.make { settings_of("tcp", options) } end

-- It answers a request well.
---@param options table?  timeout, address, port, send_proxy, method, path, host, headers, status,
--- expect_headers, body
---@return function
function check.http(options) return ready.make { settings_of("http", options) } end

-- It says of itself that it serves (grpc.health.v1).
---@param options table?  timeout, address, port, send_proxy, tls, host, service
---@return function
function check.grpc(options) return ready.make { settings_of("grpc", options) } end

-- The program beside it says that it serves, and with which part of its weight.
---@param options table?  timeout, address, port, send_proxy, send
---@return function
function check.agent(options) return ready.make { settings_of("agent", options) } end

-- Its host answers a ping.
---@param options table?  timeout, address
---@return function
function check.icmp(options) return ready.make { settings_of("icmp", options) } end

-- It takes a datagram, and answers as expected.
---@param options table?  timeout, address, port, send, expect
---@return function
function check.udp(options) return ready.make { settings_of("udp", options) } end

-- It answers a DNS query.
---@param options table?  timeout, address, port, query, record
---@return function
function check.dns(options) return ready.make { settings_of("dns", options) } end

return check
