local client = require "support.client"
local proxied = require "support.proxied"

-- RFC 9110 §7.6.2
describe("Max-Forwards", function()
  local function ask(n, method, value)
    local c = client.connect(n.address)
    local response = c:request(method, "/", { Host = "a", ["Max-Forwards"] = value })
    c:close()
    return response
  end

  it("goes on one lower for OPTIONS and TRACE", function()
    local n, web = proxied.start {}
    for value, seen in pairs { ["5"] = "4", ["1"] = "0", ["007"] = "6",
      [("9"):rep(40)] = "18446744073709551614" } do
      for _, method in ipairs { "OPTIONS", "TRACE" } do
        assert.equal(200, ask(n, method, value).status)
        local requests = web:requests()
        assert.equal(seen, requests[#requests].headers["max-forwards"])
      end
    end
  end)

  it("of 0 ends the request here", function()
    local n, web = proxied.start {}
    local response = ask(n, "OPTIONS", "0")
    assert.equal(200, response.status)
    assert.equal("", response.body)
    assert.equal(405, ask(n, "TRACE", "0").status)
    assert.equal(200, ask(n, "OPTIONS", "none").status)
    assert.equal(0, #web:requests())
  end)

  it("of 0 answers a client that goes on sending its body", function()
    local n = proxied.start {}
    local c = client.connect(n.address)
    c:send("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nContent-Length: 100000\r\n\r\n" ..
      ("x"):rep(5000))
    assert.equal(200, c:read_response().status)
    for _ = 1, 4 do c:send(("x"):rep(20000)) end -- no reset: it is read, and dropped
    c:shutdown_write()
    assert.equal("", c:receive_all())
  end)

  it("is left alone with other methods, and where it is absent", function()
    local n, web = proxied.start {}
    for _, value in ipairs { "0", "7", "x" } do
      assert.equal(200, ask(n, "GET", value).status)
      local requests = web:requests()
      assert.equal(value, requests[#requests].headers["max-forwards"])
    end
    assert.equal(200, ask(n, "OPTIONS", nil).status)
    assert.is_nil(web:requests()[4].headers["max-forwards"])
  end)

  it("can be set by a hook", function()
    local n, web = proxied.start({}, [[policy = { request = function(request)
      request:set_header("max-forwards", "3")
    end }]])
    assert.equal(200, ask(n, "OPTIONS", "9").status)
    assert.equal("3", web:requests()[1].headers["max-forwards"])
  end)
end)
