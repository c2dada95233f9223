local client = require "support.client"
local example = require "support.example"
local origin = require "support.origin"
local testing = require "neap.testing"

local FORM = "application/x-www-form-urlencoded"

-- { what, expected status }
local QUERIES = {
  { "q=hello", 200 }, { "q=the+union+of+sets", 200 }, { "q=select+one", 200 }, { "q=a..b", 200 },
  { "name=O'Hara+or+others", 200 }, { "", 200 }, { "q=%zz", 200 },
  { "q=1+UNION+SELECT+x", 403 }, { "q=1%20union/**/all%20select", 403 },
  { "q='+OR+'1'='1", 403 }, { "a=1&a=%3Cscript%3E", 403 }, { "q=javascript:x", 403 },
  { "%3Cscript%3E=1", 403 }, { "f=../../etc/hosts", 403 }, { "f=..%5Cx", 403 },
  { ("a=1&"):rep(101), 403 },
}

describe("example waf", function()
  local n, web

  before_each(function()
    web = origin.start { handler = function(conn, request)
      return request.target .. " " .. (conn:read_body() or "")
    end }
    n = example.start("waf", { [8081] = web })
  end)

  local function post(body, kind)
    return client.connect(n.address):request("POST", "/form", { ["Content-Type"] = kind or FORM },
      body)
  end

  it("sends the path on that its rules have seen", function()
    assert.equal("/a/b?x=1 ", n:get("//a/./%62?x=1").body)
    for _, path in ipairs { "/%61dmin", "//admin", "/x/../admin/users", "/ADMIN", "/.git/config",
      "/db.sql", "/index.php~" } do
      assert.equal(403, n:get(path).status, path)
    end
    assert.equal(200, n:get("/administrator").status)
    for _, path in ipairs { "/%00", "/a%5Cb", "/%2561dmin" } do
      assert.equal(400, n:get(path).status, path)
    end
    n:wait_log "127.0.0.1 GET: rule closed path"
  end)

  it("looks at the arguments of queries and forms", function()
    for _, one in ipairs(QUERIES) do
      assert.equal(one[2], n:get("/?" .. one[1]).status, one[1])
      assert.equal(one[2], post(one[1]).status, one[1])
    end
    assert.equal("/form q=hello", post("q=hello").body)
    assert.equal(403, post("q=" .. ("x"):rep(70000)).status)
    assert.equal(200, post("'or'='", "text/plain").status)
    assert.equal(413, post(("x"):rep(2 ^ 20 + 1), "text/plain").status)
  end)

  it("lets known methods pass only", function()
    local c = client.connect(n.address)
    assert.equal(405, c:request("TRACE", "/").status)
    assert.equal(405, c:request("PUT", "/", {}, "x").status)
    assert.equal(200, c:request("OPTIONS", "*").status)
  end)
end)

describe("the policy of example waf", function()
  it("judges in the test kit as it does in neap", function()
    local pool = testing.pool(2, { policy = "examples/waf/policy.lua", guard = true })
    for _, one in ipairs(QUERIES) do
      assert.equal(one[2], pool:send({ path = "/?" .. one[1] }).status, one[1])
      assert.equal(one[2], pool:send({ method = "POST", path = "/", body = one[1],
        headers = { ["Content-Type"] = FORM } }).status, one[1])
    end
    assert.equal("/b", pool:send({ path = "/a/../%62" }).sent.path)
    assert.equal(405, pool:send({ method = "BREW", path = "/" }).status)
  end)
end)
