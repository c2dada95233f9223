-- nghttpd of the nghttp2 project as a backend: a server of files that speaks HTTP/2 only.
--
--   nghttpd.start{ files = { name = text }, tls = false, args = { … } } → s
--   s.address, s.port, s.url;  s.dir: the folder it serves;  s.process

local eventually = require "support.eventually"
local net = require "support.net"
local pki = require "support.pki"
local process = require "support.process"
local scope = require "support.scope"

local nghttpd = {}

function nghttpd.start(options)
  options = options or {}
  local self = { dir = scope.directory() }
  self.address, self.port = net.refused()
  for name, text in pairs(options.files or {}) do scope.write(self.dir .. "/" .. name, text) end
  local argv = { "nghttpd", "-a", "127.0.0.1", "-d", self.dir }
  for _, value in ipairs(options.args or {}) do table.insert(argv, value) end
  table.insert(argv, tostring(self.port))
  if options.tls then
    local cert = pki.self_signed { names = { "localhost" }, ips = { "127.0.0.1" } }
    table.insert(argv, cert.key_path)
    table.insert(argv, cert.chain_path)
  else
    table.insert(argv, "--no-tls")
  end
  self.url = (options.tls and "https://" or "http://") .. self.address
  self.process = process.spawn { argv = argv, env = { PATH = os.getenv "PATH" .. ":/usr/sbin" } }
  eventually(function()
    local fd = net.connect(self.address)
    if fd then net.close(fd) end
    return fd
  end, 10, "nghttpd")
  return self
end

return nghttpd
