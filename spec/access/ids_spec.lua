local client = require "support.client"
local origin = require "support.origin"
local proxied = require "support.proxied"

local TRUST = 'forwarded = { trust = { "127.0.0.0/8" } }, '
local PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
local MADE = "^00%-%x+%-%x+%-01$"

local function count(headers, name)
  local total = 0
  for _, field in ipairs(headers) do
    if field.name:lower() == name then total = total + 1 end
  end
  return total
end

-- The fields that the backend got of one request with these.
local function passed(more, fields)
  local web = origin.start {}
  local n = proxied.before({ web }, more)
  assert.equal(200, client.request(n.address,
    "GET / HTTP/1.1\r\nHost: a\r\n" .. (fields or "") .. "\r\n").status)
  return web:requests()[1].headers
end

describe("a request's id", function()
  it("is not passed on unless the config says so", function()
    assert.is_nil(passed("")["x-request-id"])
    assert.equal("mine", passed("", "X-Request-Id: mine\r\n")["x-request-id"])
  end)

  it("is made, passed on, and what hooks see", function()
    local headers = passed([[request_id = true, policy = { request = function(request)
      request:set_header("X-Seen", request.id)
    end }]])
    assert.matches("^%x+%-%x+$", headers["x-request-id"])
    assert.equal(headers["x-request-id"], headers["x-seen"])
  end)

  it("and its trace cannot be kept back by a Connection field", function()
    local sent = ("traceparent: %s\r\ntracestate: a=1\r\nConnection: traceparent, tracestate, "
      .. "x-request-id\r\n"):format(PARENT)
    local headers = passed("request_id = true, traceparent = true", sent)
    assert.equal(PARENT, headers.traceparent)
    assert.equal("a=1", headers.tracestate)
    assert.matches("^%x+%-%x+$", headers["x-request-id"])
  end)

  it("is a trusted peer's, and nobody else's", function()
    local sent = "X-Request-ID: from-the-edge.1\r\n"
    assert.equal("from-the-edge.1", passed(TRUST .. "request_id = true", sent)["x-request-id"])
    local headers = passed("request_id = true", sent)
    assert.not_equal("from-the-edge.1", headers["x-request-id"])
    assert.equal(1, count(headers, "x-request-id"))
  end)

  it("is made anew where the peer's is none, or not clear", function()
    for _, sent in ipairs { "X-Request-Id: a b\r\n", "X-Request-Id: \r\n",
      "X-Request-Id: " .. ("x"):rep(129) .. "\r\n", "X-Request-Id: a\r\nX-Request-Id: b\r\n" } do
      local headers = passed(TRUST .. "request_id = true", sent)
      assert.matches("^%x+%-%x+$", headers["x-request-id"])
      assert.equal(1, count(headers, "x-request-id"))
    end
  end)

  it("goes in the field that the config names; a policy's own goes before it", function()
    assert.matches("^%x+%-%x+$", passed('request_id = "X-Trace"')["x-trace"])
    local headers = passed([[request_id = true, policy = { request = function(request)
      request:set_header("X-Request-Id", "the policy's")
    end }]])
    assert.equal("the policy's", headers["x-request-id"])
    assert.equal(1, count(headers, "x-request-id"))
  end)
end)

describe("the trace context", function()
  it("is passed on as it came", function()
    for _, more in ipairs { "", "traceparent = true" } do
      local headers = passed(more, "traceparent: " .. PARENT .. "\r\ntracestate: a=1\r\n")
      assert.equal(PARENT, headers.traceparent)
      assert.equal("a=1", headers.tracestate)
    end
  end)

  it("is made where there is none", function()
    local headers = passed "traceparent = true"
    assert.matches(MADE, headers.traceparent)
    assert.equal(55, #headers.traceparent)
    assert.is_nil(passed("").traceparent)
  end)

  it("is made anew where it is not valid; its state goes with it", function()
    for _, sent in ipairs {
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
      PARENT .. "\r\ntraceparent: " .. PARENT,
    } do
      local headers = passed("traceparent = true",
        "Traceparent: " .. sent .. "\r\nTracestate: a=1\r\n")
      assert.matches(MADE, headers.traceparent)
      assert.is_nil(headers.traceparent:find(PARENT:sub(4, 35), 1, true))
      assert.equal(1, count(headers, "traceparent"))
      assert.is_nil(headers.tracestate)
    end
  end)
end)
