-- Many certificates: workers read each when its name is first asked for.

local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"

local COUNT = 12

describe("a folder of many certificates", function()
  local ca, certs, answer
  setup(function()
    ca, certs = pki.ca {}, {}
    for i = 1, COUNT do
      certs[i] = ca:issue { cn = "c" .. i, key = i % 5 == 0 and "rsa" or nil,
        names = { ("c%d.test"):format(i), "*.w" .. i .. ".test" } }
    end
    answer = ca:ocsp(certs[7])
  end)

  local function start()
    local files = {}
    for i, cert in ipairs(certs) do
      files[("certs/%02d.crt"):format(i)] = cert.chain
      files[("certs/%02d.key"):format(i)] = cert.key
    end
    files["certs/07.ocsp"] = answer
    return neap.start {
      config = neap.config({ origin.start {} },
        "workers = 2, tls = { certificates = { 'certs/' }, sni = 'strict' }"),
      files = files,
    }
  end

  local function subject(n, name, args)
    local r = s_client.run { port = n.port, name = name, args = args }
    return r.subject and r.subject:match "CN = (%S+)", r
  end

  it("shows each to who asks for its names, also when it was shown before", function()
    local n = start()
    for i = 1, COUNT do
      assert.equal("c" .. i, (subject(n, ("c%d.test"):format(i))))
      assert.equal("c" .. i, (subject(n, ("x.w%d.test"):format(i))))
    end
    assert.equal(112, s_client.run({ port = n.port, name = "none.test" }).alert)
  end)

  it("sends a stapled answer with one that is shown for the first time", function()
    local n = start()
    local _, r = subject(n, "c7.test", { "-status" })
    assert.matches("OCSP Response Status: successful", r.log)
    _, r = subject(n, "c8.test", { "-status" })
    assert.matches("OCSP response: no response sent", r.log)
  end)

  it("has them after the files are gone, and new ones after a reload", function()
    local n = start()
    os.remove(n.dir .. "/certs/09.crt")
    assert.equal("c9", (subject(n, "c9.test")))
    os.remove(n.dir .. "/certs/09.key")
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 20)
    eventually(function() return (subject(n, "c9.test")) == nil end, 15)
    assert.equal("c10", (subject(n, "c10.test")))
  end)
end)
