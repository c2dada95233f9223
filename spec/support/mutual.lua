-- A service that asks clients for certificates, and clients that have some.
--
--   mutual.new() → m                  m.server: its own certificate; for the folder of the specs
--   m:tls(client) → text              its `tls = { … }`, with that text as tls.client
--   m:config(client) → text; m:start(client) → n    the balancer with it, before one backend
--   mutual.require_of(ca, more) → text     a tls.client that requires certificates of ca
--   mutual.args(cert or nil, version = "-tls1_3") → arguments of openssl s_client
--   mutual.VERSIONS

local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"

local mutual = { VERSIONS = { "-tls1_2", "-tls1_3" } }
local Mutual = {}
Mutual.__index = Mutual

function mutual.new()
  return setmetatable({ server = pki.self_signed { names = { "a.test" } } }, Mutual)
end

function Mutual:tls(client)
  return ("tls = { certificate = %q, key = %q, client = %s }")
    :format(self.server.pem_path, self.server.key_path, client)
end

function Mutual:config(client)
  return neap.config({ origin.start { name = "web" } }, self:tls(client))
end

function Mutual:start(client) return neap.start { config = self:config(client) } end

function mutual.require_of(ca, more)
  return ("{ ca = %q, verify = \"require\", %s }"):format(ca.pem_path, more or "")
end

function mutual.args(cert, version)
  local args = { version or "-tls1_3" }
  for _, value in ipairs(cert and { "-cert", cert.pem_path, "-key", cert.key_path,
    "-cert_chain", cert.chain_path } or {}) do table.insert(args, value) end
  return args
end

return mutual
