local client = require "support.client"
local proxied = require "support.proxied"
local scope = require "support.scope"

local CLAIMS = "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: https\r\n"
  .. "X-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 10.1.1.1\r\n"
  .. "Forwarded: for=10.1.1.1;proto=https\r\n"

local function ask(address, web, fields)
  local response = client.request(address,
    "GET / HTTP/1.1\r\nHost: shop.example\r\n" .. (fields or "") .. "\r\n")
  assert.equal(200, response.status)
  local all = web:requests()
  return all[#all].headers
end

local function count(headers, name)
  local total = 0
  for _, field in ipairs(headers) do
    if field.name:lower() == name then total = total + 1 end
  end
  return total
end

describe("what the backend is told about the client", function()
  it("is its address, scheme and Host", function()
    local n, web = proxied.start {}
    local headers = ask(n.address, web)
    assert.equal("127.0.0.1", headers["x-forwarded-for"])
    assert.equal("http", headers["x-forwarded-proto"])
    assert.equal("shop.example", headers["x-forwarded-host"])
    assert.is_nil(headers.forwarded)
  end)

  it("replaces what a peer that is not trusted claims", function()
    local n, web = proxied.start {}
    local headers = ask(n.address, web, CLAIMS)
    assert.equal("127.0.0.1", headers["x-forwarded-for"])
    assert.equal("http", headers["x-forwarded-proto"])
    assert.equal("shop.example", headers["x-forwarded-host"])
    for _, name in ipairs { "x-forwarded-port", "x-real-ip", "forwarded" } do
      assert.is_nil(headers[name], name)
    end
    for _, name in ipairs { "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host" } do
      assert.equal(1, count(headers, name))
    end
  end)

  it("appends to what a trusted peer says", function()
    local n, web = proxied.start({}, 'forwarded = { trust = { "127.0.0.0/8" } }')
    local headers = ask(n.address, web, CLAIMS)
    assert.equal("10.1.1.1, 127.0.0.1", headers["x-forwarded-for"])
    assert.equal("https", headers["x-forwarded-proto"])
    assert.equal("evil.example", headers["x-forwarded-host"])
    assert.equal("10.1.1.1", headers["x-real-ip"])
    assert.equal("443", headers["x-forwarded-port"])
    assert.matches("^for=10.1.1.1;proto=https, for=\"?127.0.0.1\"?", headers.forwarded)
  end)

  it("appends to several fields of a trusted peer as to one list", function()
    local n, web = proxied.start({}, 'forwarded = { trust = { "127.0.0.1" } }')
    local headers = ask(n.address, web,
      "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-For: 10.2.2.2\r\n")
    assert.equal("10.1.1.1, 10.2.2.2, 127.0.0.1", headers["x-forwarded-for"])
  end)

  it("does not trust a peer of another network", function()
    local n, web = proxied.start({}, 'forwarded = { trust = { "10.0.0.0/8", "::1" } }')
    assert.equal("127.0.0.1", ask(n.address, web, CLAIMS)["x-forwarded-for"])
  end)

  it("cannot be disguised by underscores, blanks or case", function()
    local n, web = proxied.start {}
    local headers = ask(n.address, web, "x-forwarded-FOR: 10.1.1.1\r\n")
    assert.equal("127.0.0.1", headers["x-forwarded-for"])
    for _, name in ipairs { "X_Forwarded_For", "X-Forwarded_For", "X-Forwarded-For ",
      "X_Real_IP" } do
      local response = client.request(n.address,
        "GET / HTTP/1.1\r\nHost: a\r\n" .. name .. ": 10.1.1.1\r\n\r\n")
      assert.equal(400, response.status, name)
    end
    assert.equal(1, #web:requests())
  end)

  it("is the address of an IPv6 client without brackets", function()
    local n, web = proxied.start({}, 'listen = "[::1]:0"')
    assert.equal("::1", ask(n.address, web)["x-forwarded-for"])
  end)

  it("is unknown for a client on a unix socket, or what a trusted one says", function()
    local path = scope.directory() .. "/s"
    local n, web = proxied.start({}, ('listen = "unix:%s"'):format(path))
    assert.equal("unknown", ask(n.address, web, CLAIMS)["x-forwarded-for"])
    n:stop()
    n = proxied.before({ web },
      ('listen = "unix:%s", forwarded = { trust = { "unix" } }'):format(path))
    assert.equal("10.1.1.1", ask(n.address, web, CLAIMS)["x-forwarded-for"])
  end)
end)
