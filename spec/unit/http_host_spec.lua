-- RFC 9112 §3.2, RFC 9110 §7.2: exactly one valid Host, in step with the target.
local http = require "unit.http_probe"

local function with_host(host, first)
  return ("%s\r\nHost:%s\r\n\r\n"):format(first or "GET / HTTP/1.1", host)
end

describe("Host", function()
  it("is asked for once in HTTP/1.1", function()
    http.assert_refused {
      { "GET / HTTP/1.1\r\n\r\n", 400, "missing Host" },
      { "GET http://a.example/ HTTP/1.1\r\n\r\n", 400, "missing Host" },
      { "OPTIONS * HTTP/1.1\r\nHos: a\r\n\r\n", 400, "missing Host" },
      { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "repeated Host" },
      { "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: a\r\n\r\n", 400, "repeated Host" },
      { "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400, "repeated Host" },
    }
    http.assert_accepted { "GET / HTTP/1.0\r\n\r\n", "GET http://a/ HTTP/1.0\r\n\r\n" }
    assert.equals("", http.parse("GET / HTTP/1.0\r\n\r\n").host)
  end)

  it("may be any name, IPv4 or IPv6 address, with or without port", function()
    for _, host in ipairs {
      "a", "a.example", "A.Example.", "a-b_c~d", "xn--bcher-kva.example", "127.0.0.1",
      "999.1.1.1", "a!$&'()*+;=b", "a%20b", "[::1]", "[::]", "[2001:DB8::1]", "[::ffff:1.2.3.4]",
      "[fe80::1]:80", "a:80", "a:", "a:0", "a:00080", "a:65535", "[::1]:", "1", "...", "-",
    } do
      assert.equals(host, http.parse(with_host(" " .. host)).host)
      assert.equals(host, http.parse(with_host(host .. "\t ", "GET / HTTP/1.0")).host)
    end
  end)

  it("is refused when it is anything else", function()
    for _, host in ipairs {
      "", " ", ":", ":80", "a:b", "a:65536", "a:99999999999999999999", "a:8 0", "a: 80", "a:+80",
      "a:-1", "a:80:80", "a,b", "a, b", "a b", "a\tb", "a/b", "a/", "/", "a?b", "a#b", "u@a",
      "u:p@a", "@", "a@", "http://a", "a\\b", "a\"b", "<a>", "a^b", "a`b", "a{b}", "a|b", "[", "]",
      "[]", "[::1", "::1", "[::1]a", "[::1]a:80", "[::1]]", "[[::1]]", "[v1.a]", "[1.2.3.4]", "[a]",
      "[::1%25eth0]", "[::1 ]", "a[::1]", "a%", "a%2", "a%zz", "a%2:80", "b\195\188cher", "a\255",
      "[" .. ("0:"):rep(40) .. ":1]", "[1:2:3:4:5:6:7:8:9]", "a,a",
    } do
      http.assert_refused {
        { with_host(" " .. host), 400, "invalid Host" },
        { with_host(" " .. host, "GET / HTTP/1.0"), 400, "invalid Host" },
      }
    end
  end)

  it("must agree with an absolute target, case and default port aside", function()
    local function both(target, host)
      return with_host(" " .. host, "GET " .. target .. " HTTP/1.1")
    end
    http.assert_accepted {
      both("http://a.example/", "a.example"), both("http://A.example/", "a.EXAMPLE"),
      both("http://a.example:80/", "a.example"), both("http://a.example/", "a.example:80"),
      both("http://a.example:/", "a.example:80"), both("http://a.example:8080/", "a.example:08080"),
      both("https://a.example/", "a.example:443"), both("HTTPS://a.example:443", "a.example"),
      both("http://[::1]:80/", "[::1]"), both("http://a?b", "a"),
    }
    for _, row in ipairs {
      { "http://a.example/", "b.example" }, { "http://a.example/", "a.example:8080" },
      { "http://a.example:443/", "a.example" }, { "https://a.example:80/", "a.example" },
      { "http://a.example:81/", "a.example:82" }, { "http://a.example/", "a.example.evil" },
      { "http://a.example/", "xa.example" }, { "http://[::1]/", "[::2]" },
      { "http://a.example/", "a.example:0" }, { "http://a.example./", "a.example" },
    } do
      http.assert_refused { { both(row[1], row[2]), 400, "Host disagrees with target" } }
    end
    assert.equals("A.example:80", http.parse(both("http://A.example:80/", "a.example")).host)
  end)

  it("is not looked at in a response", function()
    http.assert_accepted({ http.response "Host: a\r\nHost: ,\r\n" }, { response = true })
  end)
end)
