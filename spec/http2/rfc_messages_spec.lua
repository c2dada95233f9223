-- RFC 9113 §8, by raw frames: what a request is made of, and what makes it malformed.
local frames = require "support.h2_frames"
local h2_client = require "support.h2_client"
local hpack = require "support.hpack"
local proxied = require "support.proxied"

local n, o

setup(function()
  n, o = proxied.start(function(conn, request)
    local body, trailers = conn:read_body()
    return {
      headers = { ["X-Saw"] = request.method .. " " .. request.target .. " " .. #(body or "") },
      body = "t=" .. tostring((trailers or {})["x-end"]),
    }
  end)
end)

local function connect() return h2_client.connect(n.port) end

-- The list of fields as it is: outcome of a request of these alone.
local function outcome_of(list, bytes)
  local c = connect()
  c:head(1, list, { end_stream = not bytes })
  if bytes then c:send(bytes) end
  local outcome = c:outcome(1)
  if outcome:find "^reset" then assert.equal(200, c:answer(c:request({}, { id = 3 })).status) end
  return outcome
end

local function list_of(more) return h2_client.fields(more) end

local function is_malformed(list, bytes)
  local seen = #o:requests()
  local outcome = outcome_of(list, bytes)
  assert.equal("reset PROTOCOL_ERROR", outcome)
  for i = seen + 1, #o:requests() do
    local request = o:requests()[i]
    -- One whose body turned out malformed may have begun, but never ended.
    assert.is_true(request.target == "/" and (bytes == nil or not request.complete
      or request.method == "GET"))
  end
end

describe("A request (RFC 9113 §8.1)", function()
  it("of each usual method is served", function()
    local c = connect()
    for _, method in ipairs { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH" } do
      local answer = c:answer(c:request { [":method"] = method, [":path"] = "/m" })
      assert.equal(200, answer.status)
      assert.equal(method .. " /m 0", answer.headers["x-saw"])
      assert.equal(method == "HEAD" and "" or "t=nil", answer.body)
    end
  end)

  it("with a body and trailers comes to the backend with both", function()
    local c = connect()
    local answer = c:answer(c:request({ [":method"] = "POST" }, {
      body = "hello", trailers = { { "x-end", "yes" } },
    }))
    assert.equal("POST / 5", answer.headers["x-saw"])
    assert.equal("t=yes", answer.body)
  end)

  it("has a second block of fields only as its end", function()
    local c = connect()
    local id = c:request({ [":method"] = "POST" }, { open = true })
    c:head(id, { { "x-end", "yes" } })
    assert.equal("reset PROTOCOL_ERROR", c:outcome(id))
  end)

  it("may come while others do, and answers in any order", function()
    local c = connect()
    local first = c:request({ [":method"] = "POST" }, { open = true })
    local second = c:request()
    assert.equal(200, c:answer(second).status)
    c:data(first, "x", { end_stream = true })
    assert.equal("POST / 1", c:answer(first).headers["x-saw"])
  end)
end)

describe("The names of fields (§8.2)", function()
  it("have no upper case", function()
    is_malformed(list_of { ["X-Test"] = "1" })
    is_malformed(list_of { ["x-tesT"] = "1" })
  end)

  it("are none of a connection (§8.2.2)", function()
    for _, field in ipairs {
      { "connection", "keep-alive" }, { "proxy-connection", "keep-alive" },
      { "keep-alive", "timeout=5" }, { "transfer-encoding", "chunked" }, { "upgrade", "h2c" },
      { "te", "gzip" }, { "te", "trailers, deflate;q=0.5" }, { "connection", "close" },
    } do
      is_malformed(list_of { field })
    end
  end)

  it("may be te, with trailers", function()
    assert.equal("answer 200", outcome_of(list_of { { "te", "trailers" } }))
  end)
end)

describe("The pseudo-fields of a request (§8.3)", function()
  it("are those that are defined for requests", function()
    is_malformed({ { ":status", "200" }, unpack(list_of()) })
    is_malformed({ { ":test", "ok" }, unpack(list_of()) })
  end)

  it("come first", function()
    is_malformed {
      { ":method", "GET" }, { ":scheme", "http" }, { ":authority", "a.test" }, { "x-test", "1" },
      { ":path", "/" },
    }
  end)

  it("are no trailers", function()
    local trailers = frames.headers(1, hpack.block { { ":method", "POST" }, { "x-end", "1" } },
      { end_stream = true })
    is_malformed(list_of { [":method"] = "POST" }, frames.data(1, "x") .. trailers)
  end)

  it("are there: method, scheme and path", function()
    for _, name in ipairs { ":method", ":scheme", ":path" } do
      is_malformed(list_of { [name] = false })
    end
  end)

  it("have a path that is not empty", function() is_malformed(list_of { [":path"] = "" }) end)

  it("come once", function()
    for _, field in ipairs {
      { ":method", "GET" }, { ":scheme", "http" }, { ":path", "/" }, { ":authority", "a.test" },
    } do
      is_malformed({ field, unpack(list_of()) })
    end
  end)
end)

describe("content-length (§8.1.1)", function()
  local function post(length, bytes)
    return list_of { [":method"] = "POST", ["content-length"] = length }, bytes
  end

  it("is the length of all DATA", function()
    is_malformed(post("1", frames.data(1, "four", { end_stream = true })))
    is_malformed(post("5", frames.data(1, "four", { end_stream = true })))
    is_malformed(post("1", frames.data(1, "fo") .. frames.data(1, "ur", { end_stream = true })))
    is_malformed(post("9", frames.data(1, "fo") .. frames.data(1, "ur", { end_stream = true })))
    is_malformed(post("9", frames.data(1, "fo") .. frames.headers(1, hpack.block {
      { "x-end", "1" } }, { end_stream = true })))
    is_malformed((post("4")))
  end)

  it("that is right is kept, with padding and trailers beside it", function()
    local c = connect()
    c:head(1, (post("4")))
    c:data(1, "fo", { pad = 9 })
    c:data(1, "ur")
    c:head(1, { { "x-end", "1" } }, { end_stream = true })
    assert.equal("POST / 4", c:answer(1).headers["x-saw"])
    assert.equal("4", o:requests()[#o:requests()].headers["content-length"])
  end)

  it("is one number", function()
    for _, value in ipairs { "-1", "+4", "4 ", "0x4", "4, 4", "4,4", "", "99999999999999999999" } do
      is_malformed(post(value, frames.data(1, "four", { end_stream = true })))
    end
    for _, second in ipairs { "4", "5" } do
      is_malformed(list_of {
        [":method"] = "POST", { "content-length", "4" }, { "content-length", second },
      }, frames.data(1, "four", { end_stream = true }))
    end
  end)
end)

describe("CONNECT (§8.5)", function()
  it("is refused", function()
    local c = connect()
    c:head(1, { { ":method", "CONNECT" }, { ":authority", "a.test:443" } })
    local outcome = c:outcome(1)
    assert.is_truthy(outcome:find "^answer [45]" or outcome:find "^reset")
    assert.equal(200, c:answer(c:request({}, { id = 3 })).status)
  end)

  it("with :scheme or :path, but no :protocol, is malformed", function()
    is_malformed(list_of { [":method"] = "CONNECT" })
  end)
end)
