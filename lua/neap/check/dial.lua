-- A connection to a backend, or to where its check goes instead: the first address that takes it.

local config_address = require "neap.config.address"
local ffi = require "neap.ffi"
local tcp = require "neap.io.tcp"

local dial = {}

dial.clock = ffi.C.neap_clock

-- Headers of the PROXY protocol that name no client: the connection is the balancer's own.
local NO_CLIENT = { "PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n\32\0\0\0" }

-- Some servers refuse a protocol by an alert of TLS, others go on without one.
local NO_H2 = "the backend does not offer HTTP/2 (ALPN), as its pool wants"

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

local function goes_elsewhere(settings, backend)
  local own = backend.health or {}
  return own.address or own.port or settings.address or settings.port
end

-- Without a setting of its own, a check begins like the traffic, if it goes to the same place.
local function proxy_version(settings, backend)
  if settings.send_proxy ~= nil then return settings.send_proxy end
  if type(backend) ~= "table" then return false end -- an object of hooks does not say
  local version = not goes_elsewhere(settings, backend) and backend.send_proxy
  return type(version) == "table" and 2 or version
end

local LOCAL = "\r\n\r\n\0\r\nQUIT\n\32\0\0\0" -- a PROXY header that names nobody

-- What goes before each datagram of a check: as before those of the traffic, if it goes to the same
-- place.
---@param settings table
---@param backend table
---@return string
function dial.datagram_head(settings, backend)
  return proxy_version(settings, backend) and LOCAL or ""
end

-- Is HTTP/2 asked for, because the pool's requests ask for it? (Of type "grpc" it always is.)
---@param settings table
---@param backend table
---@return boolean|string  -- "auto": what ALPN gives
local function wish_of(settings, backend)
  return type(backend) == "table" and not backend.send_proxy
    and not goes_elsewhere(settings, backend) and backend.http2 or false
end

-- Does a check speak HTTP/2 on this connection?
---@param settings table
---@param backend table
---@param conn table
---@return boolean
function dial.speaks_h2(settings, backend, conn)
  local wish = wish_of(settings, backend)
  return wish == true or wish == "auto" and conn:speaks_h2()
end

local OVER_TLS = { https = true, tls = true }

-- How a check speaks TLS, or nil.
local function tls_of(settings, backend)
  local own = type(backend) == "table" and backend or {}
  local wanted = settings.tls
  if settings.type == "https" then wanted = true end
  if wanted == nil then
    wanted = OVER_TLS[own.scheme] and own.path == "" and not goes_elsewhere(settings, own)
  end
  return wanted and { pool = own.pool, server_name = own.server_name,
    speaks_h2 = settings.type == "grpc" or wish_of(settings, backend) } or nil
end

-- Does a check speak TLS?
---@param settings table
---@param backend table
---@return boolean
function dial.is_secure(settings, backend) return tls_of(settings, backend) ~= nil end

-- The host that a request of a check names.
---@param settings table  host
---@param backend table
---@return string
function dial.authority(settings, backend)
  if settings.host then return settings.host end
  if not backend.host or backend.host == "" then return "localhost" end
  return config_address.with_port(backend.host, backend.port)
end

-- A list of addresses → the one that took the last connection: the next dial begins there.
local stood = setmetatable({}, { __mode = "k" })

local function in_order(addresses)
  local first = stood[addresses]
  local order = { first }
  for _, address in ipairs(addresses) do
    if address ~= first then table.insert(order, address) end
  end
  return order
end

-- All addresses share the time: one that swallows packets does not keep the others waiting.
local function connect(backend, addresses, port, timeout, tls, header)
  local first = addresses[1]
  local host = backend.host ~= "" and backend.host or "localhost"
  local function to(address, number)
    return tcp.dial(address, number, timeout, tls, header, host)
  end
  if first == "unix" then return to("unix:" .. backend.path) end
  if first:find "^unix:" then return to(first) end
  if not port or port == 0 then return nil, "health.port is missing (the backend has no port)" end
  if not addresses[2] then return to(first, port) end
  local order = in_order(addresses)
  local conn, why = to(table.concat(order, " "), port)
  if conn then stood[addresses] = order[conn:stood()] end
  return conn, why
end

local function begin(conn, header, deadline)
  local ok, why = conn:send(header, dial.left(deadline))
  if ok then return conn end
  conn:close()
  return nil, why
end

---@param settings table  timeout, address, port, send_proxy
---@param backend table
---@param addresses string[]  "unix" is the socket at the backend's path
---@param deadline number
---@return table? conn, string? why
function dial.connect(settings, backend, addresses, deadline)
  local goals, port = dial.goal(settings, backend, addresses)
  local tls, header = tls_of(settings, backend), NO_CLIENT[proxy_version(settings, backend) or 0]
  local conn, why = connect(backend, goals, port, dial.left(deadline), tls, header)
  if conn and tls and wish_of(settings, backend) == true and not conn:speaks_h2() then
    conn:close()
    return nil, NO_H2
  end
  if conn and (tls or not header) then return conn end
  if conn then return begin(conn, header, deadline) end
  if wish_of(settings, backend) == true and why:find("(ALPN)", 1, true) then return nil, NO_H2 end
  return nil, dial.why(settings, why)
end

-- "timeout" in words.
function dial.why(settings, why)
  return why == "timeout" and ("timed out after %g s"):format(settings.timeout) or why
end

-- A check of one connection: what `talk(conn, deadline)` says of it. A third value: the stage.
---@return boolean is_ok, string? why, string? stage
function dial.check(settings, backend, addresses, talk)
  local deadline = dial.clock() + settings.timeout
  local conn, why = dial.connect(settings, backend, addresses, deadline)
  if not conn then return false, why, "connect" end
  local is_ok
  is_ok, why = talk(conn, deadline)
  conn:close()
  return is_ok, why
end

-- Where a `backend` object of hooks can be reached: by its host or socket.
---@return table backend, string[] addresses
function dial.of_object(backend)
  local path = backend.url:match "^unix:(/.*)$"
  if path then return { url = backend.url, path = path }, { "unix" } end
  return backend, { backend.host }
end

return dial
