-- Server and client of QUIC: those of ngtcp2 (Debian's ngtcp2-server, ngtcp2-client).
--
--   quic.is_there → are both installed?
--   quic.server{ files = { name = text } } → s       s.address, s.port
--   quic.get(address, name, { "--change-local-addr=20ms", … }) → text, or nil and the client's log

local eventually = require "support.eventually"
local pki = require "support.pki"
local process = require "support.process"
local scope = require "support.scope"
local udp = require "support.udp"

local quic = {}

local ENV = { PATH = os.getenv "PATH" .. ":/usr/sbin" }

quic.is_there = process.run { env = ENV,
  argv = { "sh", "-c", "command -v gtlsserver && command -v gtlsclient" } } == 0

-- Is a socket of UDP bound to that port?
local function is_bound(port)
  return scope.read("/proc/net/udp"):find((":%04X "):format(port), 1, true) ~= nil
end

local function try_server(dir)
  local c = udp.client "127.0.0.1:1" -- a port that was free a moment ago
  c:close()
  local cert = pki.self_signed { names = { "localhost" }, ips = { "127.0.0.1" } }
  local p = process.spawn { name = "gtlsserver", env = ENV, argv = { "gtlsserver", "--quiet",
    "--htdocs=" .. dir, "127.0.0.1", tostring(c.port), cert.key_path, cert.chain_path } }
  eventually(function() return is_bound(c.port) or not p:alive() end)
  return p:alive() and { address = "127.0.0.1:" .. c.port, port = c.port, process = p } or nil
end

function quic.server(options)
  local dir = scope.directory()
  for name, text in pairs(options.files) do scope.write(dir .. "/" .. name, text) end
  return eventually(function() return try_server(dir) end, 30, "a port that is free")
end

function quic.get(address, name, args)
  local host, port = address:match "^(.*):(%d+)$"
  local dir = scope.directory()
  local argv = { "gtlsclient", "--quiet", "--exit-on-all-streams-close", "--timeout=15s",
    "--download=" .. dir }
  for _, arg in ipairs(args or {}) do table.insert(argv, arg) end
  for _, arg in ipairs { host, port, "https://localhost/" .. name } do table.insert(argv, arg) end
  local _, out, err = process.run { argv = argv, limit = 60 }
  local file = io.open(dir .. "/" .. name, "rb")
  if not file then return nil, out .. err end
  local text = file:read "*a"
  file:close()
  return text
end

return quic
