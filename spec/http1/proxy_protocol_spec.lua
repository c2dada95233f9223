local client = require "support.client"
local eventually = require "support.eventually"
local process = require "support.process"
local proxied = require "support.proxied"

local V1 = "PROXY TCP4 192.0.2.7 192.0.2.2 56324 443\r\n"
local V2 = "\r\n\r\n\0\r\nQUIT\n\33\17\0\12\192\0\2\9\192\0\2\2\220\4\1\187"
local LOCAL = "\r\n\r\n\0\r\nQUIT\n\32\0\0\0"
local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

local function start(more) return proxied.start({}, "proxy_protocol = true, " .. (more or "")) end

local function last(web)
  local all = web:requests()
  return all[#all].headers
end

local function told(n, web, bytes)
  local response = client.request(n.address, bytes)
  assert.equal(200, response.status)
  return last(web)["x-forwarded-for"]
end

describe("a service with proxy_protocol", function()
  it("takes the client's address from the header, version 1 or 2", function()
    local n, web = start()
    assert.equal("192.0.2.7", told(n, web, V1 .. GET))
    assert.equal("192.0.2.9", told(n, web, V2 .. GET))
    assert.equal("2001:db8::5", told(n, web, "PROXY TCP6 2001:db8::5 ::1 1 2\r\n" .. GET))
  end)

  it("keeps the connection's own address for LOCAL and UNKNOWN", function()
    local n, web = start()
    assert.equal("127.0.0.1", told(n, web, LOCAL .. GET))
    assert.equal("127.0.0.1", told(n, web, "PROXY UNKNOWN\r\n" .. GET))
  end)

  it("takes it for every request of the connection, and wherever the bytes are cut", function()
    local n, web = start()
    for _, header in ipairs { V1, V2 } do
      local c = client.connect(n.address)
      for byte in (header .. GET):gmatch "." do c:send(byte) end
      assert.equal(200, c:read_response().status)
      assert.equal(200, c:request("GET", "/again").status)
      assert.equal(header == V1 and "192.0.2.7" or "192.0.2.9", last(web)["x-forwarded-for"])
    end
    assert.equal(4, #web:requests())
  end)

  it("tells policies the same, the port too", function()
    local n = start [[policy = { request = function(request)
      return require "neap".reply { body = request.client_ip .. " " .. request.client_port }
    end }]]
    assert.equal("192.0.2.7 56324", client.request(n.address, V1 .. GET).body)
  end)

  it("asks whether that address is trusted, not the connection's", function()
    local n, web = start 'forwarded = { trust = { "127.0.0.0/8" } }'
    local request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.1.1.1\r\n\r\n"
    assert.equal("192.0.2.7", told(n, web, V1 .. request))
    assert.equal("10.1.1.1, 127.0.0.1", told(n, web, LOCAL .. request))
  end)

  it("refuses a connection that begins with anything else, and forwards nothing of it", function()
    local n, web = start()
    for _, bytes in ipairs {
      GET, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "\r\n" .. GET,
      "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n" .. GET, "PROXY UNKNOWN\n" .. GET, "\22\3\1\0",
      "PROXY UNKNOWN " .. ("x"):rep(200) .. "\r\n" .. GET, V2:gsub("\33", "\49") .. GET,
    } do
      local c = client.connect(n.address)
      c:send(bytes)
      local response = c:read_response()
      assert.equal(400, response.status)
      assert.matches("PROXY", response.headers["x-neap-error"])
      assert.equal("close", response.headers.connection)
      assert.is_true(c:closed())
    end
    assert.equal(0, web:connections())
  end)

  it("reads one header, not two", function()
    local n, web = start()
    assert.equal(400, client.request(n.address, V1 .. V1 .. GET).status)
    assert.equal(0, web:connections())
  end)

  it("gives the header as long as a head: client_header", function()
    local n = start "timeouts = { client_header = 0.2 }"
    for _, bytes in ipairs { "", "P", V1:sub(1, -2), V2:sub(1, 20) } do
      local c = client.connect(n.address)
      c:send(bytes)
      assert.equal("", c:receive_all())
    end
    local c = client.connect(n.address)
    c:send(V1 .. "GET")
    assert.equal(408, c:read_response().status)
  end)

  it("survives clients that leave in the middle of it", function()
    local n = start()
    assert.equal(200, client.request(n.address, V1 .. GET).status)
    local before = proxied.count_fds(n)
    for cut = 1, #V2 - 1 do
      local c = client.connect(n.address)
      c:send(V2:sub(1, cut))
      c[cut % 2 == 0 and "reset" or "close"](c)
    end
    assert.equal(200, client.request(n.address, V2 .. GET).status)
    eventually(function() return proxied.count_fds(n) <= before end)
  end)

  it("understands curl", function()
    local n, web = start()
    local code, stdout = process.run {
      argv = { "curl", "-s", "--haproxy-protocol", "http://" .. n.address .. "/" },
    }
    assert.same({ 0, "origin" }, { code, stdout })
    assert.equal("127.0.0.1", last(web)["x-forwarded-for"])
  end)
end)

describe("a service without proxy_protocol", function()
  it("takes such a header for what it is: a malformed request", function()
    local n, web = proxied.start {}
    for _, header in ipairs { V1, V2 } do
      assert.equal(400, client.request(n.address, header .. GET).status)
    end
    assert.equal(0, web:connections())
  end)
end)
