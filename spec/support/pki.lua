-- Certificate authorities for specs, made with the openssl program.
--
--   pki.ca{ name = "a CA", parent = ca, seconds = left to live } → ca   self-signed without parent
--   ca:issue{ names = { "a.test", "*.b.test" }, ips = {}, cn = "text", key = "ec" or "rsa",
--             days = 30, seconds = left to live (may be negative), usage = "serverAuth",
--             serial = hex } → cert
--   cert.pem, cert.key, cert.chain → texts; chain: the leaf and the authorities below the root.
--       The same as files: cert.pem_path, cert.key_path, cert.chain_path
--   cert.not_after (seconds since 1970)
--   ca.pem, ca.pem_path
--   ca:revoke(cert);  ca:crl { days = 2, or seconds = left to live } → text
--   ca:ocsp(cert) → a good answer about it, DER
--   pki.self_signed{ … as issue … } → cert
--   pki.openssl{ arguments } → standard output; raises when openssl fails

local process = require "support.process"
local scope = require "support.scope"

local pki = {}
local Ca = {}
Ca.__index = Ca

function pki.openssl(arguments, stdin)
  local argv = { "openssl" }
  for _, value in ipairs(arguments) do table.insert(argv, tostring(value)) end
  local code, out, err = process.run { argv = argv, stdin = stdin, limit = 60 }
  if code ~= 0 then error("openssl " .. table.concat(arguments, " ") .. ":\n" .. out .. err, 2) end
  return out
end

local CONFIG = [[
[ca]
default_ca = own
[own]
database = %s/index
serial = %s/serial
crlnumber = %s/crlnumber
new_certs_dir = %s
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = none
email_in_dn = no
[any]
commonName = optional
]]

local function date(seconds) return os.date("!%Y%m%d%H%M%SZ", seconds) end

local made = 0

local function new_path(dir, suffix)
  made = made + 1
  return ("%s/%d.%s"):format(dir, made, suffix)
end

-- RSA keys take long to make: one serves for all.
local rsa_key

-- A request for a certificate, and its key: both made by one call where that is possible.
local function make_request(dir, kind, cn)
  local key_path, request = new_path(dir, "key"), new_path(dir, "csr")
  local argv = { "req", "-new", "-subj", "/CN=" .. cn, "-out", request }
  local key = { "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
    key_path }
  if kind == "rsa" then
    rsa_key = rsa_key
      or pki.openssl { "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048" }
    scope.write(key_path, rsa_key)
    key = { "-key", key_path }
  end
  for _, value in ipairs(key) do table.insert(argv, value) end
  pki.openssl(argv)
  return key_path, request
end

local function alternatives(options)
  local list = {}
  for _, name in ipairs(options.names or {}) do table.insert(list, "DNS:" .. name) end
  for _, ip in ipairs(options.ips or {}) do table.insert(list, "IP:" .. ip) end
  return #list > 0 and "subjectAltName=" .. table.concat(list, ",") .. "\n" or ""
end

local function leaf_extensions(options)
  return "basicConstraints=CA:false\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    .. alternatives(options)
    .. (options.usage and "extendedKeyUsage=" .. options.usage .. "\n" or "")
end

local CA_EXTENSIONS = "basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n"
  .. "subjectKeyIdentifier=hash\n"

-- → the certificate as PEM. issuer: a ca, or nil: the key signs itself.
local function sign(ca, issuer, key_path, request, extensions, options)
  local ext, out = new_path(ca.dir, "ext"), new_path(ca.dir, "pem")
  scope.write(ext, "[ext]\n" .. extensions)
  local last = os.time() + (options.seconds or (options.days or 30) * 86400)
  local first = math.min(os.time() - 3600, last - 3600)
  local argv = { "ca", "-batch", "-notext", "-config", ca.dir .. "/ca.conf", "-extfile", ext,
    "-extensions", "ext", "-startdate", date(first), "-enddate", date(last), "-in", request, "-out",
    out, "-keyfile", issuer and issuer.key_path or key_path }
  if options.serial then
    scope.write(ca.dir .. "/serial", options.serial .. "\n")
  else
    table.insert(argv, "-rand_serial")
  end
  for _, value in ipairs(issuer and { "-cert", issuer.pem_path } or { "-selfsign" }) do
    table.insert(argv, value)
  end
  pki.openssl(argv)
  return scope.read(out), out, last
end

local function new_place()
  local dir = scope.directory()
  scope.write(dir .. "/ca.conf", (CONFIG:gsub("%%s", dir)))
  scope.write(dir .. "/index", "")
  scope.write(dir .. "/serial", "01\n")
  scope.write(dir .. "/crlnumber", "01\n")
  return dir
end

function pki.ca(options)
  options = options or {}
  local self = setmetatable({ dir = new_place(), parent = options.parent }, Ca)
  local request
  self.key_path, request = make_request(self.dir, "ec", options.name or "a CA of specs")
  self.key = scope.read(self.key_path)
  self.pem, self.pem_path = sign(self.parent or self, self.parent, self.key_path, request,
    CA_EXTENSIONS, { days = 3650, seconds = options.seconds })
  return self
end

-- issuer: a ca, or nil for one that signs itself.
local function issue(place, issuer, options)
  local cn = options.cn or (options.names or {})[1] or "nobody"
  local cert = {}
  local key_path, request = make_request(place.dir, options.key, cn)
  cert.key_path = key_path
  cert.pem, cert.pem_path, cert.not_after =
    sign(place, issuer, cert.key_path, request, leaf_extensions(options), options)
  cert.key, cert.chain, cert.chain_path =
    scope.read(cert.key_path), cert.pem, new_path(place.dir, "chain")
  local above = issuer
  while above and above.parent do
    cert.chain = cert.chain .. above.pem
    above = above.parent
  end
  scope.write(cert.chain_path, cert.chain)
  return cert
end

function Ca:issue(options) return issue(self, self, options) end

function pki.self_signed(options) return issue({ dir = new_place() }, nil, options) end

function Ca:by_config(arguments)
  local argv = { "ca", "-config", self.dir .. "/ca.conf", "-keyfile", self.key_path, "-cert",
    self.pem_path }
  for _, value in ipairs(arguments) do table.insert(argv, value) end
  return pki.openssl(argv)
end

function Ca:revoke(cert) self:by_config { "-revoke", cert.pem_path } end

function Ca:crl(options)
  options = options or {}
  local last = os.time() + (options.seconds or (options.days or 30) * 86400)
  return self:by_config { "-gencrl", "-crl_lastupdate", date(math.min(os.time(), last - 3600)),
    "-crl_nextupdate", date(last) }
end

function Ca:ocsp(cert)
  local out = new_path(self.dir, "ocsp")
  local request = new_path(self.dir, "ocspreq")
  pki.openssl { "ocsp", "-issuer", self.pem_path, "-cert", cert.pem_path, "-no_nonce", "-reqout",
    request }
  pki.openssl { "ocsp", "-index", self.dir .. "/index", "-CA", self.pem_path, "-rsigner",
    self.pem_path, "-rkey", self.key_path, "-reqin", request, "-ndays", 3, "-respout", out }
  return scope.read(out)
end

return pki
