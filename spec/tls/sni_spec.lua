local neap = require "support.neap"
local origin = require "support.origin"
local pki = require "support.pki"
local s_client = require "support.s_client"

local function pair(cert)
  return ("{ certificate = %q, key = %q }"):format(cert.chain_path, cert.key_path)
end

local function start(certificates, more)
  local list = {}
  for _, cert in ipairs(certificates) do table.insert(list, pair(cert)) end
  return neap.start {
    config = neap.config({ origin.start { name = "web" } }, ("tls = { certificates = { %s }, %s }")
      :format(table.concat(list, ", "), more or "")),
  }
end

local shown = s_client.shown
local UNRECOGNIZED_NAME = 112

describe("the certificate that a client gets", function()
  local root, middle, first, exact, wild, idn, rsa
  setup(function()
    root = pki.ca { name = "a root" }
    middle = pki.ca { name = "between", parent = root }
    first = root:issue { cn = "first", names = { "first.test" } }
    exact = root:issue { cn = "exact", names = { "www.a.test", "both.test" } }
    wild = middle:issue { cn = "wild", names = { "*.a.test" } }
    idn = root:issue { cn = "idn", names = { "xn--bcher-kva.test" } }
    rsa = root:issue { cn = "rsa", names = { "both.test" }, key = "rsa" }
  end)

  local function ask(n, name, args)
    return s_client.run { port = n.port, name = name, args = args }
  end

  it("is the one of the name: exact, wildcard, in any case, with a dot, as A-label", function()
    local n = start { first, wild, exact, idn }
    local expected = {
      ["first.test"] = "first", ["www.a.test"] = "exact", ["WWW.a.TEST"] = "exact",
      ["www.a.test."] = "exact", ["x.a.test"] = "wild", ["X.A.Test."] = "wild",
      ["xn--bcher-kva.test"] = "idn",
      -- A wildcard is one label; nobody's name gets the first.
      ["a.test"] = "first", ["y.x.a.test"] = "first", ["nobody.test"] = "first",
    }
    for name, cn in pairs(expected) do assert.equal(cn, (shown(n, name)), name) end
    assert.equal("first", (shown(n, false)))
  end)

  it("is of the kind that the client takes", function()
    local n = start { exact, rsa }
    local function by(sigalgs) return shown(n, "both.test", { "-sigalgs", sigalgs }) end
    assert.equal("exact", by "ECDSA+SHA256")
    assert.equal("rsa", by "RSA-PSS+SHA256:RSA+SHA256")
    assert.equal("rsa", (shown(n, "both.test",
      { "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256" })))
    -- The first one's sibling serves who asks for no name, too.
    assert.equal("rsa", (shown(n, false, { "-sigalgs", "RSA-PSS+SHA256" })))
  end)

  it("comes with its chain, in order", function()
    local mixed = { key_path = wild.key_path, chain_path = wild.chain_path .. ".mixed" }
    require("support.scope").write(mixed.chain_path, root.pem .. middle.pem .. wild.pem)
    for _, served in ipairs { { wild, { wild.pem, middle.pem } },
      { mixed, { wild.pem, middle.pem, root.pem } } } do
      local r = ask(start { served[1] }, "x.a.test", { "-showcerts", "-CAfile", root.pem_path })
      assert.same(served[2], r.chain)
      assert.equal(0, r.verify)
    end
  end)

  it("is refused with sni = \"strict\" to who asks for no name of ours, or for none", function()
    local n = start({ first, wild }, 'sni = "strict"')
    for _, name in ipairs { "nobody.test", false } do
      for _, version in ipairs { "-tls1_2", "-tls1_3" } do
        local r = ask(n, name, { version })
        assert.is_false(r.ok)
        assert.equal(UNRECOGNIZED_NAME, r.alert, r.log)
      end
    end
    assert.equal("wild", (shown(n, "x.a.test")))
    n:wait_log 'there is no certificate for the name that it asks for: "nobody.test"'
  end)

  it("is refused with a line that says so when it asked for no name", function()
    local n = start({ first, wild }, 'sni = "strict"')
    assert.equal(UNRECOGNIZED_NAME, ask(n, false).alert)
    n:wait_log "for the name that it asks for %(it asked for no name%)"
  end)
end)
