local client = require "support.client"
local origin = require "support.origin"
local proxied = require "support.proxied"

-- The request targets that the backend saw for these, one after another.
local function seen(n, web, targets)
  local c = client.connect(n.address)
  local from = #web:requests()
  for _, target in ipairs(targets) do
    assert.equal(200, c:request("GET", target, { Host = "a" }).status, target)
  end
  local list = {}
  for index, request in ipairs(web:requests()) do
    if index > from then table.insert(list, request.target) end
  end
  return list
end

describe("the request target", function()
  it("reaches the backend byte for byte", function()
    local n, web = proxied.start {}
    local targets = {
      "/", "/a/b", "/a%2Fb", "/%2f%2F", "//a//b", "/a;p=1;q/b", "/a/../b/./c", "/..", "/%2e%2e/x",
      "/%E2%82%AC", "/%00", "/a+b", "/~u/-_.!$&'()*,:@=", "/^`{|}[]", "/a/", "/?", "/?a=b&c",
      "/a?b?c/d?e", "/?%zz%", "/?\\\\", '/?query=up{job="a"}', "/?<b>=>",
      "/?q=\195\164\255",
    }
    assert.same(targets, seen(n, web, targets))
  end)

  it("goes behind the backend's base path", function()
    local web = origin.start {}
    for _, base in ipairs { "/base", "/base/" } do
      local n = proxied.before { web.url .. base }
      assert.same({ "/base/", "/base/x?y=1", "/base//x", "/base/../x" },
        seen(n, web, { "/", "/x?y=1", "//x", "/../x" }))
      n:stop()
    end
  end)

  it("goes behind a base path of several parts", function()
    local web = origin.start {}
    local n = proxied.before { web.url .. "/a/b%20c/" }
    assert.same({ "/a/b%20c/", "/a/b%20c/d" }, seen(n, web, { "/", "/d" }))
  end)

  it("is not changed by a backend URL that ends in a slash", function()
    local web = origin.start {}
    local n = proxied.before { web.url .. "/" }
    assert.same({ "/", "/x", "//" }, seen(n, web, { "/", "/x", "//" }))
  end)

  it("in absolute form becomes its path, and agrees with Host", function()
    local n, web = proxied.start {}
    assert.same({ "/", "/x?y", "/?y" }, seen(n, web, { "http://a", "http://a/x?y", "http://A?y" }))
    for _, request in ipairs(web:requests()) do assert.equal("a", request.headers.host) end
  end)

  it("* goes on for OPTIONS", function()
    local n, web = proxied.start {}
    local c = client.connect(n.address)
    assert.equal(200, c:request("OPTIONS", "*", { Host = "a" }).status)
    assert.equal("*", web:requests()[1].target)
  end)

  it("may come with any method but CONNECT", function()
    local n, web = proxied.start {}
    local c = client.connect(n.address)
    local methods = { "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND",
      "get", "M-SEARCH" }
    for index, method in ipairs(methods) do
      assert.equal(200, c:request(method, "/").status)
      assert.equal(method, web:requests()[index].method)
    end
    local response = client.request(n.address, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")
    assert.is_true(response.status == 405 or response.status == 400)
    assert.equal("close", response.headers.connection)
    assert.equal(#methods, #web:requests())
  end)
end)
