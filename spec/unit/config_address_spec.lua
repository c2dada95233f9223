local address = require "neap.config.address"

describe("the addresses of a config", function()
  it("are read", function()
    for text, expected in pairs {
      [":8080"] = ":8080",
      ["8080"] = ":8080",
      ["*:80"] = "*:80",
      ["0.0.0.0:0"] = "0.0.0.0:0",
      ["localhost:80"] = "127.0.0.1:80",
      ["[::]:65535"] = "[::]:65535",
      ["[::1]:80"] = "[::1]:80",
      ["[1:2:3:4:5:6:7:8]:80"] = "[1:2:3:4:5:6:7:8]:80",
      ["[::ffff:1.2.3.4]:80"] = "1.2.3.4:80",
      ["unix:/run/neap.sock"] = "unix:/run/neap.sock",
    } do
      local parsed, why = address.listen(text)
      assert.is_nil(why)
      assert.equals(expected, parsed.text)
    end
    assert.equals(":81", address.listen(81).text)
  end)

  it("are refused with the reason", function()
    for text, expected in pairs {
      [""] = "port is missing",
      ["127.0.0.1"] = "port is missing",
      ["https://127.0.0.1:443"] = "an address has no scheme: write '127.0.0.1:443', and tls = {",
      ["http://localhost/x"] = "an address has no scheme: write 'localhost:80'",
      ["127.0.0.1:"] = "'' is not a port",
      ["127.0.0.1:65536"] = "'65536' is not a port",
      ["127.0.0.1:-1"] = "'-1' is not a port",
      ["127.0.0.1:8o"] = "'8o' is not a port",
      ["127.0.0.01:80"] = "not an IP address",
      ["256.0.0.1:80"] = "not an IP address",
      ["web:80"] = "names are not resolved here",
      ["::1:80"] = "in brackets",
      ["[::1]"] = "port",
      ["[1::2::3]:80"] = "not an IPv6 address",
      ["[:]:80"] = "not an IPv6 address",
      ["[]:80"] = "not an IPv6 address",
      ["[1:2:3:4:5:6:7]:80"] = "not an IPv6 address",
      ["[::12345]:80"] = "not an IPv6 address",
      ["[::1.2.3.256]:80"] = "not an IPv6 address",
      ["unix:"] = "begins with /",
      ["unix:run.sock"] = "begins with /",
      ["unix:/" .. ("x"):rep(107)] = "at most 107 bytes",
      ["unix:/run/"] = "no path of a socket",
    } do
      local parsed, why = address.listen(text)
      assert.is_nil(parsed, text)
      assert.truthy(why:find(expected, 1, true), text .. ": " .. why)
    end
  end)

  it("collide when they are the same, however written", function()
    local function collide(a, b)
      return address.collide(address.listen(a), address.listen(b))
    end
    assert.is_true(collide(":80", "80"))
    assert.is_true(collide(":80", "0.0.0.0:80"))
    assert.is_true(collide("[::]:80", "*:80"))
    assert.is_true(collide("[::1]:80", "[0:0:0:0:0:0:0:1]:80"))
    assert.is_true(collide("[::ffff:127.0.0.1]:80", "127.0.0.1:80"))
    assert.is_true(collide("[::ffff:0:0]:80", ":80"))
    assert.is_true(collide("unix:/a", "unix:/a"))
    assert.is_false(collide(":80", "81"))
    assert.is_false(collide("127.0.0.1:80", "127.0.0.2:80"))
    assert.is_false(collide(":0", ":0"))
    assert.is_false(collide("unix:/a", ":80"))
  end)

  it("are ranges where peers are meant", function()
    for _, text in ipairs { "10.0.0.0/8", "::1", "2001:db8::/32", "192.0.2.1", "unix", "::/0" } do
      assert.is_true(address.check_cidr(text), text)
    end
    for _, text in ipairs { "", "10.0.0.0/33", "10.0.0/8", "::/129", "example.com", "10.0.0.0/",
      "/8", "1.2.3.4/1e1" } do
      assert.is_nil(address.check_cidr(text), text)
    end
  end)
end)
