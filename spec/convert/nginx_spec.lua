local converted = require "support.converted"
local pki = require "support.pki"
local scope = require "support.scope"

local function start()
  local cert = pki.self_signed { names = { "shop.example.com" } }
  return converted.start("nginx", scope.read "spec/convert/shop.conf", { files = {
    ["chain.pem"] = cert.chain, ["key.pem"] = cert.key,
    users = "anna:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n", -- test
  } })
end

local ANNA, WRONG = "Authorization: Basic YW5uYTp0ZXN0", "Authorization: Basic YW5uYTpiYWQ="

local CASES = {
  ["sends clients to https"] = { { port = 80, path = "/a?b=c" }, { port = 80, host = "x.test" } },
  ["answers by itself"] = { { path = "/healthz" }, { path = "/healthz", method = "HEAD" } },
  ["passes requests on as they came"] = {
    { path = "/" }, { path = "/a/b?c=d&e" }, { path = "/x", host = "SHOP.example.com" },
    { path = "/put", method = "PUT", body = "hello" },
  },
  ["chooses locations"] = {
    { path = "/api/users?id=7" }, { path = "/api/" }, { path = "/api" }, { path = "/apix" },
    { path = "/a/logo.PNG" }, { path = "/a/logo.png.txt" }, { path = "/api/private/x" },
    { path = "/raw/x.png?a=b" }, { path = "/api//users" }, { path = "/x/../api/users" },
    { path = "/%61pi/users" },
  },
  ["rewrites and redirects"] = {
    { path = "/old/shoe" }, { path = "/old/shoe?size=9" }, { path = "/old/shoe/x" },
    { path = "/item-42.html" }, { path = "/item-42.html?x=y" }, { path = "/item-x.html" },
  },
  ["refuses methods, bodies, addresses and users"] = {
    { path = "/", method = "DELETE" }, { path = "/", method = "POST", body = ("x"):rep(3000) },
    { path = "/", method = "POST", body = ("x"):rep(2000) }, { path = "/admin/x" },
    { path = "/office/x" }, { path = "/office/x?y", headers = { ANNA } },
    { path = "/office/x", headers = { WRONG } },
  },
}

describe("a converted nginx.conf", function()
  local pair

  setup(function() pair = start() end)

  for title, requests in pairs(CASES) do
    it(title .. ", as nginx does", function()
      for _, request in ipairs(requests) do
        local theirs, ours = pair:both(request)
        assert.same(converted.seen(theirs), converted.seen(ours), request.path)
      end
    end)
  end

  it("is converted whole", function()
    assert.equal(0, pair.status)
    assert.matches("0 things are not converted", pair.output)
  end)

  it("chooses the upstream by a map, as nginx does", function()
    for tenant, expected in pairs { gold = "web2", ["beta-7"] = "web2", GOLD = "web2" } do
      local theirs, ours = pair:both { path = "/", headers = { "X-Tenant: " .. tenant } }
      assert.equal(expected, theirs.backend)
      assert.equal(expected, ours.backend)
    end
  end)

  it("limits logins, as nginx does", function()
    local theirs, ours = {}, {}
    for i = 1, 5 do
      local a, b = pair:both { path = "/login" }
      theirs[i], ours[i] = a.status, b.status
    end
    assert.same({ 200, 200, 200, 429, 429 }, theirs)
    assert.same(theirs, ours)
  end)

  it("keeps a key with one backend", function()
    local _, first = pair:both { path = "/api/x", headers = { "X-User: anna" } }
    for _ = 1, 4 do
      local _, ours = pair:both { path = "/api/x", headers = { "X-User: anna" } }
      assert.equal(first.backend, ours.backend)
    end
  end)

  it("goes to the spare when the first is gone, as nginx does", function()
    local own = start()
    own.origins[2]:kill()
    local theirs, ours = own:both { path = "/", headers = { "X-Tenant: gold" } }
    assert.equal("web1", theirs.backend)
    assert.equal("web1", ours.backend)
  end)
end)
