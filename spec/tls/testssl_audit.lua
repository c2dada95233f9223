-- What testssl.sh, an auditor's tool, finds in the defaults: docs/tls.md says it in words.
local cjson = require "cjson"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local process = require "support.process"
local scope = require "support.scope"

-- Protocols, kinds of ciphers, forward secrecy, vulnerabilities: what does not depend on who
-- signed.
local CHECKS = { "-p", "-s", "-f", "-U" }

-- What is wanted of them, by testssl.sh's names; that it was looked at, too.
local OFFERED = { "TLS1_2", "TLS1_3", "cipherlist_STRONG", "PFS", "secure_renego" }
local NOT_OFFERED = { "SSLv2", "SSLv3", "TLS1", "TLS1_1", "cipherlist_NULL", "cipherlist_aNULL",
  "cipherlist_EXPORT", "cipherlist_LOW", "cipherlist_3DES_IDEA", "cipherlist_AVERAGE" }
local NOT_VULNERABLE = { "heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_client_renego",
  "CRIME_TLS", "BREACH", "POODLE_SSL", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13" }

-- Everything else that it says is no worse than a remark.
local GOOD = { OK = true, INFO = true, DEBUG = true }

local function audit(port)
  local report = scope.directory() .. "/report.json"
  local argv = { "testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none",
    "--ip", "127.0.0.1", "--jsonfile", report }
  for _, check in ipairs(CHECKS) do table.insert(argv, check) end
  table.insert(argv, "https://127.0.0.1:" .. port)
  local _, out, err = process.run { argv = argv, limit = 900 }
  local found = {}
  for _, finding in ipairs(cjson.decode(scope.read(report))) do found[finding.id] = finding end
  return found, out .. err
end

local function service(cert)
  return ("{ certificate = %q, key = %q }"):format(cert.pem_path, cert.key_path)
end

describe("testssl.sh", function()
  it("has nothing against the defaults, with an RSA and an ECDSA certificate", function()
    local certificates = service(pki.self_signed { names = { "a.test" } }) .. ", "
      .. service(pki.self_signed { names = { "a.test" }, key = "rsa" })
    local n = neap.start {
      config = neap.config({ origin.start {} }, ("tls = { certificates = { %s } }")
        :format(certificates)),
    }
    local found, said = audit(n.port)
    local function each(ids, pattern)
      for _, id in ipairs(ids) do
        assert(found[id], id .. " is missing:\n" .. said)
        assert(found[id].finding:find(pattern), id .. ": " .. found[id].finding)
      end
    end
    each(OFFERED, "^%a+ed") -- offered, supported
    each(NOT_OFFERED, "^not offered")
    each(NOT_VULNERABLE, "^not vulnerable")
    for id, finding in pairs(found) do
      assert(GOOD[finding.severity], ("%s: %s: %s"):format(finding.severity, id, finding.finding))
    end
  end)
end)
