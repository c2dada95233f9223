local url = require "neap.config.url"

local function parts(text)
  local p, why = url.parse(text)
  assert.is_nil(why)
  return ("%s|%s|%d|%s|%s|%s"):format(p.scheme, p.host, p.port, p.base, p.path, p.name)
end

describe("the URL of a backend", function()
  it("is taken apart", function()
    for text, expected in pairs {
      ["http://localhost:8081/"] = "http|localhost|8081|||localhost:8081",
      ["http://localhost"] = "http|localhost|80|||localhost:80",
      ["HTTP://Web-1.Example.:9/"] = "http|web-1.example.|9|||web-1.example.:9",
      ["http://10.0.0.1:81/v1"] = "http|10.0.0.1|81|/v1||10.0.0.1:81/v1",
      ["http://h/v1/x//"] = "http|h|80|/v1/x||h:80/v1/x",
      ["http://h/a%20b;c=1"] = "http|h|80|/a%20b;c=1||h:80/a%20b;c=1",
      ["http://[2001:DB8::1]"] = "http|2001:db8::1|80|||[2001:db8::1]:80",
      ["http://[::1]:81/v1"] = "http|::1|81|/v1||[::1]:81/v1",
      ["http://my_container:80"] = "http|my_container|80|||my_container:80",
      ["unix:/run/app.sock"] = "http||0||/run/app.sock|unix:/run/app.sock",
    } do
      assert.equals(expected, parts(text))
    end
  end)

  it("is kept as written", function()
    assert.equals("http://Localhost:8081/", url.parse("http://Localhost:8081/").url)
  end)

  it("is refused with the reason", function()
    for text, expected in pairs {
      [""] = "empty",
      ["localhost:8081"] = "the scheme is missing",
      ["8081"] = "the scheme is missing",
      ["//localhost"] = "the scheme is missing",
      ["ftp://localhost"] = "'ftp' is not a known scheme",
      ["tls://localhost"] = "the port is missing",
      ["tcp://localhost"] = "the port is missing",
      ["tcp://localhost:1/x"] = "tcp:// has no path",
      ["http://"] = "the host is missing",
      ["http://:80"] = "the host is missing",
      ["http:///x"] = "the host is missing",
      ["http://h:"] = "'' is not a port (1-65535)",
      ["http://h:0"] = "'0' is not a port",
      ["http://h:65536"] = "'65536' is not a port",
      ["http://h:80x"] = "'80x' is not a port",
      ["http://a:b@h/"] = "user or password",
      ["http://h/?q"] = "a query",
      ["http://h?q"] = "a query",
      ["http://h/#f"] = "a fragment",
      ["http://h/a b"] = "blanks",
      ["http://h/a\n"] = "control characters",
      ["http://h/a\0"] = "control characters",
      ["http://h/é"] = "percent-encoded",
      ["http://h/%zz"] = "two hex digits",
      ["http://1.2.3"] = "'1.2.3' is not an IPv4 address",
      ["http://256.1.1.1"] = "'256.1.1.1' is not an IPv4 address",
      ["http://-h"] = "'-h' is not a host name",
      ["http://a..b"] = "'a..b' is not a host name",
      ["http://" .. ("x"):rep(64)] = "is not a host name",
      ["http://" .. ("x."):rep(64) .. "x"] = "longer than 127 bytes",
      ["http://::1"] = "in brackets",
      ["http://[::g]"] = "'::g' is not an IPv6 address",
      ["http://[::1]x"] = "only a port may follow",
      ["http://[fe80::1%25eth0]"] = "zones",
      ["http://h/" .. ("x"):rep(127)] = "the path is longer than 127 bytes",
      ["http://h/" .. ("x"):rep(300)] = "the URL is longer than 255 bytes",
      ["unix:app.sock"] = "begins with /",
      ["unix:"] = "begins with /",
    } do
      local p, why = url.parse(text)
      assert.is_nil(p, text)
      assert.truthy(why:find(expected, 1, true), text .. ": " .. why)
    end
  end)
end)
