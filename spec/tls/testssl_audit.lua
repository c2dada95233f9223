-- What testssl.sh, an auditor's tool, finds in the defaults.
local cjson = require "cjson"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local process = require "support.process"
local scope = require "support.scope"

-- Protocols, ciphers, renegotiation, compression, Heartbleed: what does not depend on who signed.
local CHECKS = { "-p", "-s", "-R", "-C", "-H" }
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

describe("testssl.sh", function()
  it("has nothing against the defaults", function()
    local cert = pki.self_signed { names = { "a.test" } }
    local n = neap.start {
      config = neap.config({ origin.start {} },
        ("tls = { certificate = %q, key = %q }"):format(cert.pem_path, cert.key_path)),
    }
    local found, said = audit(n.port)
    for _, id in ipairs { "TLS1_2", "TLS1_3", "cipherlist_STRONG", "secure_renego",
      "secure_client_renego", "CRIME_TLS", "heartbleed" } do
      assert(found[id], id .. " is missing:\n" .. said)
    end
    for id, finding in pairs(found) do
      assert(GOOD[finding.severity], ("%s: %s: %s"):format(finding.severity, id, finding.finding))
    end
  end)
end)
