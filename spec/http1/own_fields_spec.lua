local client = require "support.client"
local proxied = require "support.proxied"

-- All values under that name that the client got, in interim answers, head and trailers.
local function all(response, name)
  local list = {}
  name = name:gsub("%p", "%%%0")
  for value in ("\r\n" .. response.raw):gmatch("\r\n" .. name .. ": *([^\r]*)") do
    table.insert(list, value)
  end
  return list
end

local function forging(name)
  local line = name .. ": forged\r\n"
  return {
    connection = function(conn)
      while conn:read_request() do
        conn:send("HTTP/1.1 103 Early Hints\r\n" .. line .. "X: 1\r\n\r\n")
        conn:send("HTTP/1.1 200 OK\r\n" .. line .. line:upper()
          .. "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" .. line
          .. "Y: 2\r\n\r\n")
      end
    end,
  }
end

describe("a backend cannot forge", function()
  for _, case in ipairs {
    { "X-Neap-Id", "explain = { header = true }" },
    { "X-Ours", 'explain = { header = "X-Ours" }' },
    { "X-" .. ("long"):rep(12), ('explain = { header = "X-%s" }'):format(("long"):rep(12)) },
  } do
    it("the field with the request's id: " .. case[1], function()
      local n = proxied.start(forging(case[1]), case[2])
      local response = n:get "/"
      assert.equal("ok", response.body)
      assert.equal("1", response.interim[1].headers.x)
      assert.equal("2", response.trailers.y)
      assert.is_nil(response.raw:lower():find("forged", 1, true))
      assert.equal(1, #all(response, case[1]))
    end)
  end

  it("that field in a 101", function()
    local n = proxied.start({
      connection = function(conn)
        conn:read_request()
        conn:send("HTTP/1.1 101 X\r\nUpgrade: a\r\nX-Neap-Id: forged\r\n"
          .. "X-Neap-Error: forged\r\n\r\n")
        conn:read_all()
      end,
    }, "explain = { header = true }")
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n"
    assert.is_nil(c:read_response().raw:lower():find("forged", 1, true))
  end)

  it("x-neap-error", function()
    local n = proxied.start(forging "x-neap-error")
    assert.is_nil(n:get("/").raw:lower():find("forged", 1, true))
  end)

  it("what a policy sets itself", function()
    local n = proxied.start(forging "X-Neap-Id", [[explain = { header = true }, policy = {
      response = function(_, _, response) response:set_header("X-Neap-Id", "mine") end }]])
    assert.same({ "mine" }, all(n:get "/", "X-Neap-Id"))
  end)
end)
