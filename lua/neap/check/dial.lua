-- A connection to a backend: at the first of its addresses that takes it.

local ffi = require "neap.ffi"
local tcp = require "neap.io.tcp"

local dial = {}

dial.clock = ffi.C.neap_clock

-- Seconds left until then; never 0, which would mean for ever.
function dial.left(deadline) return math.max(deadline - dial.clock(), 0.001) end

local function connect(backend, address, timeout)
  if address == "unix" then return tcp.connect("unix:" .. backend.path, timeout) end
  return tcp.connect(address, backend.port, timeout)
end

-- The time is shared among the addresses, so that one that swallows packets leaves some to others.
---@param backend table  port
---@param addresses string[]  "unix" is the socket at the backend's path
---@param timeout number  seconds
---@return table? conn, string? why  the first address's
function dial.connect(backend, addresses, timeout)
  local deadline = dial.clock() + timeout
  local why
  for i, address in ipairs(addresses) do
    local share = dial.left(deadline) / (#addresses - i + 1)
    local conn, failure = connect(backend, address, share)
    if conn then return conn end
    why = why or failure
  end
  if why == "timeout" then why = ("timed out after %g s"):format(timeout) end
  return nil, why
end

-- Where a `backend` object of hooks can be reached: by its host or socket.
---@return table backend, string[] addresses
function dial.of_object(backend)
  local path = backend.url:match "^unix:(/.*)$"
  if path then return { url = backend.url, path = path }, { "unix" } end
  return backend, { backend.host }
end

return dial
