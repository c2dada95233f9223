local client = require "support.client"
local net = require "support.net"
local proxied = require "support.proxied"

-- The head goes out for each request, without a body.
local function answering(head)
  return {
    connection = function(conn)
      while conn:read_request() do conn:send("HTTP/1.1 " .. head .. "\r\n\r\n") end
    end,
  }
end

describe("an answer without a body", function()
  it("to HEAD keeps the length it tells, and the connections", function()
    local n, web = proxied.start(answering "200 OK\r\nContent-Length: 5000")
    local c = client.connect(n.address)
    for _ = 1, 3 do
      local response = c:request("HEAD", "/")
      assert.equal("5000", response.headers["content-length"])
      assert.is_nil(response.headers.connection)
    end
    assert.equal(1, web:connections())
    assert.equal("HEAD", web:requests()[1].method)
  end)

  it("to HEAD may be one that would be chunked", function()
    local n, web = proxied.start(answering "200 OK\r\nTransfer-Encoding: chunked")
    local c = client.connect(n.address)
    for _ = 1, 3 do assert.equal(200, c:request("HEAD", "/").status) end
    assert.equal(1, web:connections())
  end)

  it("to HEAD may tell no length", function()
    local n, web = proxied.start(answering "200 OK")
    local c = client.connect(n.address)
    for _ = 1, 3 do assert.equal(200, c:request("HEAD", "/").status) end
    assert.equal(1, web:connections())
  end)

  for _, head in ipairs { "204 No Content", "304 Not Modified", "200 OK\r\nContent-Length: 0" } do
    it("is over with its head: " .. head:gsub("\r\n", ", "), function()
      local n, web = proxied.start(answering(head))
      local c = client.connect(n.address)
      for _ = 1, 3 do
        local response = c:request("GET", "/")
        assert.equal(tonumber(head:match "^%d+"), response.status)
        assert.equal("", response.body)
      end
      assert.equal(1, web:connections())
    end)
  end

  it("of 204 carries no length", function()
    local n = proxied.start(answering "204 No Content\r\nContent-Length: 0")
    assert.is_nil(n:get("/").headers["content-length"])
  end)

  for _, status in ipairs { "204 No Content", "304 Not Modified" } do
    for field, body in pairs {
      ["Content-Length: 4"] = "EVIL", ["Content-Length: 5000"] = "",
      ["Transfer-Encoding: chunked"] = "0\r\n\r\n",
      ["transfer-encoding: Chunked"] = "4\r\nEVIL\r\n0\r\n\r\n",
    } do
      it(("that announces one has none, and is its connection's last: %s, %s")
        :format(status, field), function()
        local n, web = proxied.start {
          connection = function(conn)
            while conn:read_request() do
              conn:send(("HTTP/1.1 %s\r\n%s\r\n\r\n"):format(status, field))
              conn:send(body)
            end
          end,
        }
        local c = client.connect(n.address)
        for index = 1, 3 do
          local response = c:request("GET", "/")
          assert.equal(tonumber(status:match "%d+"), response.status)
          assert.is_nil(response.headers["transfer-encoding"])
          assert.is_nil(response.headers.connection)
          assert.equal(index, web:connections())
        end
      end)
    end
  end

  it("made by neap has none for HEAD either", function()
    local n = proxied.before { "http://" .. net.refused() }
    local c = client.connect(n.address)
    local response = c:request("HEAD", "/")
    assert.equal(502, response.status)
    assert.is_true(tonumber(response.headers["content-length"]) > 0)
    local again = c:request("GET", "/")
    assert.equal(503, again.status) -- it is known to be dead now
    assert.equal(again.headers["content-length"], tostring(#again.body))
  end)
end)
