local converted = require "support.converted"
local eventually = require "support.eventually"
local pki = require "support.pki"
local scope = require "support.scope"

local function start()
  local cert = pki.self_signed { names = { "shop.example.com" } }
  return converted.start("haproxy", scope.read "spec/convert/shop.cfg",
    { files = { ["site.pem"] = cert.chain .. cert.key } })
end

local ANNA, WRONG = "Authorization: Basic YW5uYTp0ZXN0", "Authorization: Basic YW5uYTpiYWQ="

local CASES = {
  ["sends clients to https"] = { { port = 80, path = "/a?b=c" }, { port = 80, path = "/" } },
  ["answers by itself"] = { { path = "/healthz" }, { path = "/healthz?x" } },
  ["passes requests on as they came"] = {
    { path = "/" }, { path = "/a/b?c=d&e" }, { path = "/put", method = "PUT", body = "hello" },
    { path = "/x/../y" }, { path = "/%61pi/x" },
  },
  ["asks acls"] = {
    { path = "/api/x", headers = { "X-User: anna" } }, { path = "/admin/x" },
    { path = "/", headers = { "User-Agent: an EvilBot/1" } }, { path = "/x/.git/config" },
    { path = "/a.PNG" }, { path = "/static/x" },
    { path = "/pets", headers = { "Cookie: user=ben" } },
  },
  ["rewrites and redirects"] = {
    { path = "/old/shoes" }, { path = "/old/shoes9" }, { path = "/x?y=z", host = "example.com" },
    { path = "/v2/users?id=7" }, { path = "/item-42?x=y" },
  },
  ["asks who it is"] = {
    { path = "/staff/x" }, { path = "/staff/x?y", headers = { ANNA } },
    { path = "/staff/x", headers = { WRONG } },
  },
}

-- A session's value differs, for each balancer has its own. HAProxy's own answers say no-cache;
-- neap says private of all that set a cookie, HAProxy of some.
local function seen(answer)
  local all = converted.seen(answer)
  if not answer.backend or answer["set-cookie"] then all["cache-control"] = nil end
  all["set-cookie"] = all["set-cookie"] and all["set-cookie"]:match "^SRV="
  return all
end

describe("a converted haproxy.cfg", function()
  local pair

  setup(function()
    pair = start()
    eventually(function() return pair:both({ path = "/" }).status == 200 end)
  end)

  for title, requests in pairs(CASES) do
    it(title .. ", as HAProxy does", function()
      for _, request in ipairs(requests) do
        local theirs, ours = pair:both(request)
        assert.same(seen(theirs), seen(ours), request.path)
      end
    end)
  end

  it("tells who watches it that it lives, as HAProxy does", function()
    local theirs, ours = pair:both { path = "/monitor" }
    assert.equal(200, theirs.status)
    assert.equal(200, ours.status)
  end)

  it("tells that cookies differ, and nothing else", function()
    assert.equal(0, pair.status)
    assert.matches("0 things are not converted, 1 works differently", pair.output)
  end)

  it("chooses the backend by acls, as HAProxy does", function()
    for _, case in ipairs {
      { "web2", headers = { "X-Tenant: Gold" } }, { "web2", headers = { "X-Tenant: x, beta" } },
      { "web3", path = "/a.css" }, { "web2", path = "/a.css", headers = { "X-Tenant: beta" } },
      { "web3", path = "/static/a", method = "POST", body = "x" },
    } do
      local theirs, ours = pair:both(case)
      assert.equal(case[1], theirs.backend)
      assert.equal(case[1], ours.backend)
    end
  end)

  it("counts in a stick table, as HAProxy does", function()
    local theirs, ours = {}, {}
    for i = 1, 5 do
      local a, b = pair:both { path = "/login" }
      theirs[i], ours[i] = a.status, b.status
    end
    assert.same({ 200, 200, 200, 429, 429 }, theirs)
    assert.same(theirs, ours)
  end)

  it("keeps a session with its backend", function()
    local _, first = pair:both { path = "/" }
    local cookie = first["set-cookie"]:match "^[^;]+"
    for _ = 1, 4 do
      local _, ours = pair:both { path = "/", headers = { "Cookie: " .. cookie } }
      assert.equal(first.backend, ours.backend)
      assert.is_nil(ours["set-cookie"])
    end
  end)

  it("leaves out a backend whose check fails, as HAProxy does", function()
    local own = start()
    own.origins[1]:kill()
    eventually(function()
      local theirs, ours = own:both { path = "/" }
      return theirs.backend == "web2" and ours.backend == "web2"
    end)
  end)
end)
