-- The balancer with a tcp service before backends of the spec, without health checks.
--
--   tcp.start(connection, more) → n, o    connection: of origin.start, all bytes are its; more:
--                                         further lines of config
--   tcp.before(backends, more, allow) → n     origins, addresses or ports
--   tcp.config(backends, more) → config text
--   tcp.echo(conn)                        a connection that sends back what comes
--   tcp.named(name) → such a connection that says its name first, then echoes

local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local tcp = {}

local function url_of(backend)
  local address = type(backend) == "table" and backend.address or backend
  if type(address) == "number" then address = "127.0.0.1:" .. address end
  return address:find "^unix:" and address or "tcp://" .. address
end

function tcp.config(backends, more)
  local urls = {}
  for i, backend in ipairs(backends) do urls[i] = url_of(backend) end
  return proxied.config(urls, 'mode = "tcp",\n' .. (more or ""))
end

function tcp.before(backends, more, allow)
  return neap.start { config = tcp.config(backends, more), allow = allow }
end

function tcp.start(connection, more)
  local o = origin.start { connection = connection }
  return tcp.before({ o }, more), o
end

function tcp.echo(conn)
  while true do
    local bytes = conn:read_some()
    if not bytes then return end
    conn:send(bytes)
  end
end

function tcp.named(name)
  return function(conn)
    conn:send(name .. "\n")
    tcp.echo(conn)
  end
end

return tcp
