-- Pebble, the ACME CA for tests: it looks at challenges for real, and finds every name at
-- 127.0.0.1.
--
--   pebble.trust() → its own server's certificate, which several may share
--   pebble.start { trust =, http = port, tls = port, life = seconds, eab = { id =, key = } } → s
--       where it looks at http-01 and tls-alpn-01, and how long its certificates live
--   s.directory (URL), s.ca (file: whom its own server is verified by)
--   s:root() → file: whom its certificates are verified by
--   s:kill(), s:start_again()    on the same port; it has forgotten everything
--   s:log() → text

local eventually = require "support.eventually"
local json = require "cjson"
local net = require "support.net"
local pki = require "support.pki"
local process = require "support.process"
local scope = require "support.scope"

local pebble = {}
local Pebble = {}
Pebble.__index = Pebble

local function answers(address)
  local fd = net.connect(address)
  if fd then net.close(fd) end
  return fd
end

local function start_names()
  local names, control = net.refused(), net.refused()
  process.spawn {
    argv = { "pebble-challtestsrv", "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1",
      "-dns01", names, "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", control },
    dir = scope.directory(),
  }
  eventually(function() return answers(control) end, 10, "pebble-challtestsrv")
  return names
end

local function write_config(self, options)
  local server = options.trust.server
  local config = {
    listenAddress = self.address, managementListenAddress = self.control,
    certificate = server.pem_path, privateKey = server.key_path,
    httpPort = options.http or 1, tlsPort = options.tls or 1, ocspResponderURL = "",
    externalAccountBindingRequired = options.eab ~= nil,
    certificateValidityPeriod = options.life or 86400,
  }
  if options.eab then
    config.externalAccountMACKeys = { [options.eab.id] = options.eab.key }
  end
  scope.write(self.dir .. "/pebble.json", json.encode { pebble = config })
end

-- Without pauses before it looks at a challenge, but with nonces that it takes back.
local function run(self)
  self.process = process.spawn {
    argv = { "pebble", "-config", self.dir .. "/pebble.json", "-dnsserver", self.names },
    env = { PEBBLE_VA_NOSLEEP = "1", PEBBLE_WFE_NONCEREJECT = "20" },
    dir = self.dir,
  }
  eventually(function() return answers(self.address) end, 10, "pebble")
end

function pebble.trust()
  local ca = pki.ca()
  return { ca = ca, server = ca:issue { names = { "localhost" }, ips = { "127.0.0.1" } } }
end

function pebble.start(options)
  local self = setmetatable({
    dir = scope.directory(), address = net.refused(), control = net.refused(),
  }, Pebble)
  self.ca = options.trust.ca.pem_path
  self.directory = "https://" .. self.address .. "/dir"
  self.names = start_names()
  write_config(self, options)
  run(self)
  return self
end

-- A file with the root that its certificates come from: another one after each start.
function Pebble:root()
  local code, text, why = process.run {
    argv = { "curl", "-sS", "--cacert", self.ca, "https://" .. self.control .. "/roots/0" },
  }
  assert(code == 0, why)
  local path = self.dir .. "/root.pem"
  scope.write(path, text)
  return path
end

function Pebble:kill()
  self.process:kill "KILL"
  self.process:wait()
end

function Pebble:start_again() run(self) end

function Pebble:log() return self.process:log() end

return pebble
