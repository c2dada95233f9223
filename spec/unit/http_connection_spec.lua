-- RFC 9110 §7.6.1, §7.8, §10.1.1, §10.1.4: fields about the connection.
local http = require "unit.http_probe"

local function parse(lines, first)
  local got = http.parse(http.request(lines, first))
  assert.is_true(got.done, got.reason)
  return got
end

local function flags(lines, first)
  local got, set = parse(lines, first), {}
  for _, name in ipairs { "CONN_CLOSE", "CONN_KEEP_ALIVE", "CONN_UPGRADE", "CONN_NAMES",
    "EXPECT_CONTINUE", "TE_TRAILERS", "UPGRADE_H2C" } do
    if http.has_flag(got, "HTTP_" .. name) then table.insert(set, name) end
  end
  return table.concat(set, " ")
end

local function stripped(lines)
  local names = {}
  for _, field in ipairs(parse(lines).fields) do
    if field.named_hop then table.insert(names, field.name) end
  end
  return table.concat(names, " ")
end

describe("fields about the connection", function()
  it("Connection says whether it goes on", function()
    assert.equals("CONN_CLOSE", flags "Connection: close\r\n")
    assert.equals("CONN_CLOSE", flags "Connection: \tCLOSE \r\n")
    assert.equals("CONN_KEEP_ALIVE", flags "Connection: Keep-Alive\r\n")
    assert.equals("CONN_CLOSE CONN_KEEP_ALIVE", flags "Connection: keep-alive,,close,\r\n")
    assert.equals("CONN_CLOSE CONN_KEEP_ALIVE",
      flags "Connection: keep-alive\r\nConnection: close\r\n")
    assert.equals("", flags "Connection:\r\n")
    assert.equals("", flags "Connection: , ,\r\n")
    assert.equals("CONN_NAMES", flags "Connection: closed\r\n")
    assert.equals("", flags "Proxy-Connection: close\r\n")
  end)

  it("keep it in 1.1 and close it in 1.0 unless they say otherwise", function()
    assert.is_true(parse("").keeps_alive)
    assert.is_true(parse("Connection: keep-alive\r\n").keeps_alive)
    assert.is_false(parse("Connection: close\r\n").keeps_alive)
    assert.is_false(parse("Connection: keep-alive, close\r\n").keeps_alive)
    assert.is_false(parse("", "GET / HTTP/1.0").keeps_alive)
    assert.is_true(parse("Connection: keep-alive\r\n", "GET / HTTP/1.0").keeps_alive)
    assert.is_false(parse("Connection: keep-alive, close\r\n", "GET / HTTP/1.0").keeps_alive)
  end)

  it("Connection strips the fields it names, wherever they stand", function()
    assert.equals("X-a", stripped "X-a: 1\r\nConnection: x-A\r\nX-ab: 2\r\n")
    assert.equals("X X y", stripped "Connection: close, X , Y\r\nX: 1\r\nX: 2\r\ny: 3\r\n")
    assert.equals("TE", stripped "Connection: TE\r\nTE: trailers\r\n")
    assert.equals("CONN_NAMES", flags "Connection: x\r\n")
  end)

  it("Connection cannot strip what routing, framing and identity rest on", function()
    local names = {
      "Host", "Content-Length", "Transfer-Encoding", "Forwarded", "X-Forwarded-For",
      "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix",
        "X-Real-IP",
      "Cookie", "Set-Cookie", "Authorization", "Via", "Date", "Content-Type", "Max-Forwards",
      "Expect", "Connection", "Cache-Control", "Content-Encoding", "If-Match", "Origin", "Range",
    }
    for _, name in ipairs(names) do
      local value = name == "Content-Length" and "0" or name == "Expect" and "100-continue" or "x"
      local line = (name == "Host" or name == "Transfer-Encoding") and "" or name .. ": " .. value
        .. "\r\n"
      assert.equals("", stripped(line .. "Connection: " .. name:lower() .. "\r\n"), name)
    end
  end)

  it("Connection may name 32 fields", function()
    assert.equals("X", stripped("Connection: " .. ("x,"):rep(32) .. "\r\nX: 1\r\n"))
    assert.equals("X", stripped(("Connection: close, x\r\n"):rep(32) .. "X: 1\r\n"))
    http.assert_refused {
      { http.request("Connection: " .. ("x,"):rep(33) .. "\r\n"), 400,
        "too many names in Connection" },
      { http.request(("Connection: x\r\n"):rep(33)), 400, "too many names in Connection" },
    }
  end)

  it("Connection lists tokens", function()
    for _, value in ipairs { "a b", "close;x", "\"close\"", "a@b", "x, y z", "close close" } do
      http.assert_refused {
        { http.request("Connection: " .. value .. "\r\n"), 400, "malformed Connection" },
      }
    end
  end)

  it("Upgrade works when both fields say so, in 1.1", function()
    assert.equals("CONN_UPGRADE", flags "Connection: Upgrade\r\nUpgrade: websocket\r\n")
    assert.equals("CONN_KEEP_ALIVE CONN_UPGRADE",
      flags "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n")
    assert.equals("", flags "Connection: upgrade\r\n")
    assert.equals("", flags "Upgrade: websocket\r\n")
    assert.equals("", flags("Connection: upgrade\r\nUpgrade: websocket\r\n", "GET / HTTP/1.0"))
  end)

  it("h2c is known among the protocols", function()
    for _, value in ipairs { "h2c", "H2C", "websocket, h2c", "h2c,foo", "h2c/1", ", h2c " } do
      assert.equals("UPGRADE_H2C", flags("Upgrade: " .. value .. "\r\n"))
    end
    assert.equals("UPGRADE_H2C", flags "Upgrade: a\r\nUpgrade: h2c\r\n")
    assert.equals("", flags "Upgrade: h2cc, xh2c, h2\r\n")
  end)

  it("TE: trailers is read", function()
    assert.equals("TE_TRAILERS", flags "TE: trailers\r\n")
    assert.equals("TE_TRAILERS", flags "te: gzip;q=0.5, Trailers\r\n")
    assert.equals("", flags "TE: gzip\r\n")
  end)

  it("Expect counts when there is a body to wait for", function()
    local body = "Content-Length: 5\r\n"
    assert.equals("EXPECT_CONTINUE", flags("Expect: 100-continue\r\n" .. body))
    assert.equals("EXPECT_CONTINUE",
      flags("Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n"))
    assert.equals("", flags "Expect: 100-continue\r\n")
    assert.equals("", flags("Expect: 100-continue\r\n" .. body, "POST / HTTP/1.0"))
    assert.equals("", flags("Expect: anything\r\n", "POST / HTTP/1.0"))
    for _, list in ipairs { "", " ", ",", " , ," } do
      assert.equals("", flags("Expect:" .. list .. "\r\n" .. body), list)
    end
    for _, list in ipairs {
      "100-continue, 100-continue", ",100-continue,", "100-CONTINUE ,\t",
    } do
      assert.equals("EXPECT_CONTINUE", flags("Expect: " .. list .. "\r\n" .. body), list)
    end
    for _, value in ipairs {
      "100", "100-continue, x", "x, 100-continue", "200-ok", "100-continue;a", "x=y",
    } do
      http.assert_refused {
        { http.request("Expect: " .. value .. "\r\n" .. body), 417, "unknown expectation" },
      }
    end
    http.assert_accepted({ http.response "Expect: x\r\n" }, { response = true })
  end)
end)
