-- A connection to a backend, or to where its check goes instead: at the first of the addresses that
-- takes it.

local ffi = require "neap.ffi"
local tcp = require "neap.io.tcp"

local dial = {}

dial.clock = ffi.C.neap_clock

-- Headers of the PROXY protocol that tell of no client: the connection is the balancer's own.
local NO_CLIENT = { "PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n\32\0\0\0" }

-- Seconds left until then; never 0, which would mean for ever.
function dial.left(deadline) return math.max(deadline - dial.clock(), 0.001) end

-- The texts of addresses to check, and the port.
---@param settings table  address, port
---@param backend table  a definition (health, path, port, send_proxy), or a `backend` object
---@param addresses string[]
---@return string[] addresses, integer? port
function dial.goal(settings, backend, addresses)
  local own = type(backend) == "table" and backend.health or {}
  local address = own.address or settings.address
  if address then addresses = { address } end
  return addresses, own.port or settings.port or backend.port
end

-- Without a word of its own, a check begins like the traffic, where it goes to the same place.
local function proxy_version(settings, backend)
  if settings.send_proxy ~= nil then return settings.send_proxy end
  if type(backend) ~= "table" then return false end -- an object of hooks does not say
  local own = backend.health or {}
  local is_elsewhere = own.address or own.port or settings.address or settings.port
  return not is_elsewhere and backend.send_proxy
end

local function connect(backend, address, port, timeout)
  if address == "unix" then return tcp.connect("unix:" .. backend.path, timeout) end
  if address:find "^unix:" then return tcp.connect(address, timeout) end
  if not port or port == 0 then return nil, "health.port is missing (the backend has no port)" end
  return tcp.connect(address, port, timeout)
end

local function begin(settings, backend, conn, deadline)
  local header = NO_CLIENT[proxy_version(settings, backend) or 0]
  if not header then return conn end
  local ok, why = conn:send(header, dial.left(deadline))
  if ok then return conn end
  conn:close()
  return nil, why
end

-- The time is shared among the addresses, so that one that swallows packets leaves some to others.
---@param settings table  timeout, address, port, send_proxy
---@param backend table
---@param addresses string[]  "unix" is the socket at the backend's path
---@param deadline number
---@return table? conn, string? why  the first address's
function dial.connect(settings, backend, addresses, deadline)
  local goals, port = dial.goal(settings, backend, addresses)
  local why
  for i, address in ipairs(goals) do
    local share = dial.left(deadline) / (#goals - i + 1)
    local conn, failure = connect(backend, address, port, share)
    if conn then return begin(settings, backend, conn, deadline) end
    why = why or failure
  end
  return nil, dial.why(settings, why)
end

-- "timeout" in words.
function dial.why(settings, why)
  return why == "timeout" and ("timed out after %g s"):format(settings.timeout) or why
end

-- Where a `backend` object of hooks can be reached: by its host or socket.
---@return table backend, string[] addresses
function dial.of_object(backend)
  local path = backend.url:match "^unix:(/.*)$"
  if path then return { url = backend.url, path = path }, { "unix" } end
  return backend, { backend.host }
end

return dial
