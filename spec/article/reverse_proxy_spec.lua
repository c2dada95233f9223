local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"

-- The article's file, with the backends' ports as the kernel gave them.
local function json(webs, port)
  local list = {}
  for _, web in ipairs(webs) do
    table.insert(list, ('{"url":"http://localhost:%d/"}'):format(web.port))
  end
  return ('{"proxy":{"port":%s},"backends":[%s]}'):format(port or '"0"', table.concat(list, ","))
end

local function start(webs, port)
  return neap.start { config = json(webs, port), config_name = "config.json" }
end

describe("the article's reverse proxy", function()
  it("forwards a request with its path, query, Host and body", function()
    local web = origin.start { handler = function(conn) return (conn:read_body()) end }
    local n = start { web }
    local c = client.connect(n.port)
    local response = c:request("POST", "/a/b?c=d&e", { Host = "shop.example" }, "hello")
    assert.equal("hello", response.body)
    local request = web:requests()[1]
    assert.equal("POST", request.method)
    assert.equal("/a/b?c=d&e", request.target)
    assert.equal("shop.example", request.headers.host)
  end)

  it("joins the backend's base path in front of the request's", function()
    local web = origin.start {}
    local n = neap.start {
      config_name = "config.json",
      config = ('{"proxy":{"port":"0"},"backends":[{"url":"http://localhost:%d/shop/"}]}')
        :format(web.port),
    }
    assert.equal(200, client.get(n.port, "/cart?x=1").status)
    assert.equal("/shop/cart?x=1", web:requests()[1].target)
  end)

  it("drops hop-by-hop headers and adds the client's address", function()
    local web = origin.start {}
    local n = start { web }
    client.get("127.0.0.1:" .. n.port, "/", {
      Connection = "X-Hop", ["X-Hop"] = "1", ["Proxy-Authorization"] = "x", ["X-Kept"] = "1",
    })
    local headers = web:requests()[1].headers
    assert.is_nil(headers.connection)
    assert.is_nil(headers["x-hop"])
    assert.is_nil(headers["proxy-authorization"])
    assert.equal("1", headers["x-kept"])
    assert.equal("127.0.0.1", headers["x-forwarded-for"])
  end)
end)

describe("the article's config", function()
  it("is read unchanged", function()
    local code, output = neap.check(
      '{"proxy":{"port":"8080"},"backends":[{"url":"http://localhost:8081/"},'
        .. '{"url":"http://localhost:8082/"},{"url":"http://localhost:8083/"},'
        .. '{"url":"http://localhost:8084/"}]}',
      { config_name = "config.json" })
    assert.equal(0, code, output)
    assert.matches("config.json: ok\n", output)
  end)

  it("is read unchanged as it is shipped", function()
    local code, output = neap.check { path = require("posix.unistd").getcwd() .. "/config.json" }
    assert.equal(0, code, output)
  end)

  it("serves its four backends", function()
    local webs = origin.several(4)
    local n = start(webs)
    for round = 0, 1 do
      for index = 1, 4 do
        assert.equal("web" .. index, client.get(n.port, "/").body, round)
      end
    end
  end)

  it("takes the port as a number, too", function()
    local n = start({ origin.start { name = "web" } }, "0")
    assert.equal("web", client.get(n.port, "/").body)
  end)

  for name, case in pairs {
    ["that is no JSON"] = { '{"proxy":{"port":"8080"},', "config.json" },
    ["whose port is none"] = { '{"proxy":{"port":"http"},"backends":[]}', "proxy.port" },
    ["with an unknown key"] = { '{"proxy":{"prot":"8080"},"backends":[]}', "proxy.prot" },
    ["with a bad URL"] = { '{"proxy":{"port":"0"},"backends":[{"url":"localhost"}]}',
      "backends%[1%]" },
    ["that is empty"] = { "", "config.json" },
  } do
    it(name .. " is a clear error, never an empty configuration", function()
      local code, output = neap.check(case[1], { config_name = "config.json" })
      assert.equal(1, code)
      assert.matches("config.json:", output)
      assert.matches(case[2], output)
      neap.start { config = case[1], config_name = "config.json", expect_exit = 1, allow = { "." } }
    end)
  end

  it("that is not there is a clear error", function()
    local code, _, stderr = neap.run { "-c", "missing.json" }
    assert.equal(1, code)
    assert.matches("missing.json", stderr)
  end)
end)
