local client = require "support.client"
local net = require "support.net"
local proxied = require "support.proxied"

describe("errors.expose = false", function()
  local HIDDEN = "errors = { expose = false }"

  local function assert_hidden(response, status, words)
    assert.same({ status, words .. "\n" }, { response.status, response.body })
    assert.is_nil(response.headers["x-neap-error"])
  end

  it("keeps the reason from clients, not from the log", function()
    local n = proxied.before({ "http://" .. net.refused() }, HIDDEN)
    local c = client.connect(n.address)
    assert_hidden(c:request("GET", "/"), 502, "Bad Gateway")
    assert_hidden(c:request("GET", "/"), 503, "Service Unavailable")
    assert_hidden(client.request(n.address, "GET / HTTP/1.1\r\n\r\n"), 400, "Bad Request")
    assert_hidden(client.request(n.address, "nonsense\1\r\n\r\n"), 400, "Bad Request")
    n:wait_log "attempt 1 on .* failed while connecting"
  end)

  it("keeps a policy's reason, too", function()
    local n = proxied.start({}, HIDDEN
      .. ", policy = { pick = function() return nil, 'a secret' end }")
    assert_hidden(n:get "/", 503, "Service Unavailable")
  end)

  it("holds where there are too many connections", function()
    local n = proxied.start({}, HIDDEN .. ", limits = { connections = 1 }")
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    assert_hidden(client.request(n.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 503,
      "Service Unavailable")
  end)

  it("goes only with http", function()
    local ok, why = pcall(proxied.start, {}, HIDDEN .. ', mode = "tcp"')
    assert.is_false(ok)
    assert.matches("errors: this goes only with mode = 'http'", why, 1, true)
  end)
end)
