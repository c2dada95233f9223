local certificates = require "neap.agent.certificates"
local client = require "support.client"
local decode = require("cjson.safe").decode
local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"

describe("a certificate that ends soon", function()
  it("is told by status, metrics, the terminal and the log", function()
    local soon = pki.self_signed { names = { "soon.test", "other.test" }, seconds = 3.5 * 86400 }
    local n = neap.start {
      config = neap.config({ origin.start {} }, [[name = "web", admin = { listen = "127.0.0.1:0" },
        tls = { certificate = "soon.pem" }]]),
      files = { ["soon.pem"] = soon.pem .. soon.key },
    }
    assert.equal(1, n:count_log "warn .*soon%.pem: this certificate expires on .*, in 3 days")
    local one = decode(client.get(n.admin, "/status").body).services[1].certificates[1]
    assert.same({ "soon.test", 3, soon.not_after }, { one.name, one.days, one.not_after })
    local sample = ('neap_tls_certificate_not_after_timestamp_seconds{service="web",'
      .. 'name="soon.test",file="%s/soon.pem"} %d'):format(n.dir, soon.not_after)
    assert.truthy(client.get(n.admin, "/metrics").body:find(sample, 1, true))
    local _, screen = neap.run { "status", "--admin", n.admin }
    assert.matches("web: the certificate of soon%.test expires in 3 days", screen)
  end)

  it("is named once a day from 14 days on, and when it has ended", function()
    local now = 1800000000
    local function said(seconds, name)
      return certificates.warning({ name = name or "", file = "a.pem", not_after = now + seconds },
        now)
    end
    assert.is_nil(said(14 * 86400))
    assert.equal("the certificate of a.test (a.pem) expires on 2027-01-29 07:59:59 UTC, in 13 days",
      said(14 * 86400 - 1, "a.test"))
    assert.equal("the certificate of a.pem expired on 2027-01-15 07:59:59 UTC", said(-1))
  end)

  it("is looked at each day", function()
    local lines, list = {}, certificates.list
    certificates.list = function()
      return { { service = 0, name = "a.test", file = "a.pem", not_after = 1000 } }
    end
    local agent = {
      board = { wall_ms = function() return 2000000 end },
      host = { log = { warn = function(...) table.insert(lines, string.format(...)) end } },
    }
    certificates.look(agent, 10)
    assert.same({}, lines)
    certificates.look(agent, 10 + 86400)
    certificates.look(agent, 20 + 86400)
    certificates.list = list
    assert.same({ "the certificate of a.test (a.pem) expired on 1970-01-01 00:16:40 UTC" }, lines)
  end)
end)
