local client = require "support.client"
local proxied = require "support.proxied"

-- Only what is not ours marks the backend down.
local POLICY = [[
  limits = { header_bytes = 8192, headers = 50 }, retry = { attempts = 1 }, policy = {
    failed = function(_, backend, failure)
      require("neap").log.info("ours: %s, kind: %s", tostring(failure.ours), failure.kind)
      if not failure.ours then backend:down(failure.message) end
      return "fail"
    end }]]

local function answering(bytes)
  return {
    connection = function(conn)
      local request = conn:read_request()
      if not request then return end
      conn:send(request.target == "/well" and "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        or bytes)
      conn:finish()
      conn:closed(5)
    end,
  }
end

local LIMITS = {
  ["a head above the limit"] = "HTTP/1.1 200 OK\r\n"
    .. ("X: " .. ("a"):rep(900) .. "\r\n"):rep(100),
  ["too many lines"] = "HTTP/1.1 200 OK\r\n" .. ("X: a\r\n"):rep(600) .. "\r\n",
  ["an endless status line"] = "HTTP/1.1 200 " .. ("a"):rep(100000),
}

describe("failure.ours", function()
  for name, bytes in pairs(LIMITS) do
    it("is true where a limit of neap's own ended the attempt: " .. name, function()
      local n = proxied.start(answering(bytes), POLICY)
      local c = client.connect(n.address)
      local response = c:request("GET", "/")
      assert.equal(502, response.status)
      assert.is_nil(response.headers["x-neap-error"]:find("invalid answer", 1, true))
      assert.equal(200, c:request("GET", "/well").status)
      assert.is_nil(n:log():find("is dead", 1, true))
      n:wait_log "ours: true, kind: protocol"
    end)
  end

  it("is false where the answer is wrong", function()
    local n = proxied.start(answering "HTTP/1.1 2000 OK\r\n\r\n", POLICY)
    assert.equal(502, n:get("/").status)
    n:wait_log "ours: false, kind: protocol"
    assert.equal(503, n:get("/well").status)
  end)

  it("is no failure of the backend for `eject` either", function()
    local n = proxied.start(answering(LIMITS["too many lines"]), POLICY
      .. ", eject = { consecutive = 2, max_share = 1 }")
    for _ = 1, 6 do assert.equal(502, n:get("/").status) end
    assert.equal(200, n:get("/well").status)
  end)
end)
