local client = require "support.client"
local eventually = require "support.eventually"
local proxied = require "support.proxied"

local function echo_path(conn, request)
  local body = conn:read_body()
  return request.target .. body
end

local function get(path) return ("GET %s HTTP/1.1\r\nHost: a\r\n\r\n"):format(path) end

describe("pipelined requests", function()
  it("are answered in their order, however long each takes", function()
    local n = proxied.start(function(conn, request)
      conn:wait(tonumber(request.target:match "%d+") / 100)
      return request.target
    end)
    local c = client.connect(n.address)
    c:send(get "/9" .. get "/0" .. get "/3")
    for _, path in ipairs { "/9", "/0", "/3" } do assert.equal(path, c:read_response().body) end
  end)

  it("may be a hundred deep", function()
    local n, web = proxied.start(echo_path)
    local c = client.connect(n.address)
    local list = {}
    for index = 1, 100 do list[index] = get("/" .. index) end
    c:send(table.concat(list))
    for index = 1, 100 do assert.equal("/" .. index, c:read_response().body) end
    assert.equal(1, web:connections())
  end)

  it("may be more than fits into memory for one connection", function()
    local n = proxied.start(echo_path)
    local c = client.connect(n.address)
    local list = {}
    for index = 1, 1000 do list[index] = get("/" .. ("x"):rep(60) .. index) end
    c:send(table.concat(list))
    for index = 1, 1000 do
      assert.equal(tostring(index), c:read_response().body:match "%d+$")
    end
  end)

  it("may be cut anywhere", function()
    local n = proxied.start(echo_path)
    local c = client.connect(n.address)
    local text = get "/one" .. "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      .. "POST /three HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. proxied.chunked({ "de", "f" }, "X-T: 1\r\n") .. "\r\n" .. get "/four"
    for cut = 1, #text - 1 do
      c:send(text:sub(1, cut))
      c:send(text:sub(cut + 1))
      for _, body in ipairs { "/one", "/twoabc", "/threedef", "/four" } do
        assert.equal(body, c:read_response().body)
      end
    end
  end)

  it("may come byte by byte", function()
    local n = proxied.start(echo_path)
    local c = client.connect(n.address)
    local text = get "/one" .. "POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. proxied.chunked { "abc", "d" } .. get "/three"
    for byte in text:gmatch "." do c:send(byte) end
    for byte in text:gmatch "[\r\n]" do c:send(byte) end
    for _, body in ipairs { "/one", "/twoabcd", "/three" } do
      assert.equal(body, c:read_response().body)
    end
  end)

  it("behind a large body start where the body ends", function()
    local n, web = proxied.start(echo_path)
    local c = client.connect(n.address)
    local body = proxied.pattern(200000)
    c:send("POST /big HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. proxied.chunked { body } .. get "/next" .. get "/last")
    assert.equal("/big" .. body, c:read_response().body)
    assert.equal("/next", c:read_response().body)
    assert.equal("/last", c:read_response().body)
    assert.equal(3, #web:requests())
  end)

  it("with a head that is larger than a body's buffer fit behind a chunked body", function()
    local n, web = proxied.start(echo_path, "limits = { header_bytes = 200000, headers = 1000 }")
    local c = client.connect(n.address)
    local field = ("x"):rep(150000)
    c:send("POST /big HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    eventually(function() return web:requests()[1] end)
    c:send(proxied.chunked { proxied.pattern(60000) }
      .. "GET /next HTTP/1.1\r\nHost: a\r\nX-Long: " .. field .. "\r\n\r\n")
    assert.equal(200, c:read_response().status)
    local response = c:read_response()
    assert.equal("/next", response and response.body)
    assert.equal(field, web:requests()[2].headers["x-long"])
  end)

  it("behind a refused one are not looked at", function()
    local n, web = proxied.start(echo_path)
    local all = client.exchange(n.address,
      get "/good" .. "GET /bad HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" .. get "/behind")
    assert.matches("^HTTP/1.1 200 .*/goodHTTP/1.1 400 ", all)
    assert.equal(1, #web:requests())
  end)

  it("are not served behind Connection: close", function()
    local n, web = proxied.start(echo_path)
    local all = client.exchange(n.address,
      "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" .. get "/behind")
    assert.matches("/last$", all)
    assert.equal(1, #web:requests())
  end)
end)
