-- What a CA, or whoever answers in its place, may send: none of it is believed, and each ends in
-- one line of the log and another try.
local fake_ca = require "support.fake_ca"

describe("answers of a CA", function()
  local world

  -- Runs with such an answer; the reason that is told.
  local function reason(what, answer, seconds)
    world = fake_ca.new()
    world.answers[what] = answer
    world:start()
    world:run(seconds or 3)
    local lines = world:said "no certificate"
    assert.equal(1, #lines, what .. " gave " .. table.concat(world.lines, "\n"))
    assert.is_nil(lines[1]:find "[%c\128-\255]")
    assert.is_true(#lines[1] < 600)
    return world:state("a+test").error
  end

  local function body(text, headers, status)
    return function() return { status = status or 200, headers = headers or {}, body = text } end
  end

  -- The usual answer, with a few members changed.
  local function changed(what, members, headers)
    return function(w, request)
      local json = require "neap.json"
      local answer = w:usual(what, request)
      local object = json.decode(answer.body)
      for key, value in pairs(members) do object[key] = value end
      for key, value in pairs(headers or {}) do
        answer.headers[key] = value ~= "" and value or nil
      end
      answer.body = json.encode(object)
      return answer
    end
  end

  it("must be objects, not lists, numbers, garbage or nothing", function()
    for _, text in ipairs { "", "7", "null", "\"x\"", "{", "<html>", ("["):rep(5000) } do
      assert.matches("no JSON object", reason("GET /directory", body(text)))
      assert.matches("no JSON object", reason("POST /new-order", body(text, {}, 201)))
      assert.matches("no JSON object", reason("POST /authorization", body(text)))
    end
    assert.matches("newNonce: the CA gave no URL", reason("GET /directory", body "[1,2]"))
  end)

  it("are told by their URL once", function()
    local url = "https://ca.test/directory"
    local why = reason("GET /directory", function()
      error(("http: '%s' is no URL"):format(url))
    end)
    local at = why:find(url, 1, true)
    assert.is_nil(why:find(url, at + 1, true), why)
  end)

  it("must name URLs that are https", function()
    local urls = {
      "http://ca.test/new-order", "file:///etc/passwd", "https://", "https://user@ca.test/", 7,
      true, "https://ca.test/a b", "https://ca.test/\r\nX: y", "https://ca.test/" .. ("x"):rep(9999)
    }
    for _, url in ipairs(urls) do
      assert.matches("URL", reason("GET /directory",
        changed("GET /directory", { newOrder = url })))
      assert.matches("URL", reason("POST /new-order",
        changed("POST /new-order", { authorizations = { url } })))
      assert.matches("URL", reason("POST /new-order", changed("POST /new-order", {},
        { location = tostring(url) })))
      assert.matches("URL", reason("POST /order", changed("POST /order", { certificate = url })))
    end
  end)

  it("must have a nonce that can be written", function()
    for _, nonce in ipairs { "", "a b", "a\"b", ("x"):rep(600) } do
      assert.matches("no nonce", reason("HEAD /new-nonce",
        changed("HEAD /new-nonce", {}, { ["replay-nonce"] = nonce })))
    end
  end)

  it("may not ask for ever: nonces and states have an end", function()
    assert.matches("badNonce", reason("POST /new-order", function(w)
      return w:problem(400, "badNonce", "again", { ["replay-nonce"] = "more" })
    end))
    assert.equal(4, world:count "POST /new-order")
    assert.matches("authorization: it is still pending after 120 s",
      reason("POST /challenge", body "{}", 135))
    assert.matches("order: it is still processing after 120 s",
      reason("POST /order", changed("POST /order", { status = "processing" }), 135))
    assert.matches("order: it is still pending", reason("POST /order",
      changed("POST /order", { status = "pending" }, { ["retry-after"] = "100000" }), 135))
  end)

  it("must have authorizations that are few, and challenges with tokens that are words", function()
    local many = {}
    for i = 1, 100 do many[i] = "https://ca.test/authorization" end
    for _, list in ipairs { {}, many, "x", 7 } do
      assert.matches("authorizations cannot be used", reason("POST /new-order",
        changed("POST /new-order", { authorizations = list })))
    end
    for _, token in ipairs { "", "../../etc", "a b", "a\nb", ("x"):rep(300), 7 } do
      local challenge = { type = "http-01", token = token, url = "https://ca.test/challenge" }
      assert.matches("no token", reason("POST /authorization",
        changed("POST /authorization", { challenges = { challenge } })))
    end
    for _, challenges in ipairs { {}, "x", 7, { 1, "x", {} }, { { type = "dns-01" } } } do
      assert.matches("offers no challenge http%-01", reason("POST /authorization",
        changed("POST /authorization", { challenges = challenges })))
    end
  end)

  it("must have states that are words, and say why they failed in a line", function()
    assert.matches("it has no status", reason("POST /authorization",
      changed("POST /authorization", { status = { 1 } })))
    assert.matches("authorization: it is revoked", reason("POST /authorization",
      changed("POST /authorization", { status = "revoked" })))
    local long = ("bad\n\27[31m words\255 "):rep(200)
    local first = true
    assert.matches("did not accept the answer to http%-01: unauthorized: bad",
      reason("POST /authorization", function(w, request)
        if first then
          first = false
          return w:usual("POST /authorization", request)
        end
        return w:object { status = "invalid", challenges = { { type = "http-01",
          error = { type = "urn:ietf:params:acme:error:unauthorized", detail = long } } } }
      end))
    assert.matches("the CA answered 403: bad", reason("POST /new-order",
      function(w) return w:problem(403, "not a word!", long) end))
  end)

  it("must have certificates for the name, and not too many", function()
    local function chain(text) return reason("POST /certificate", body(text)) end
    local block = "-----BEGIN CERTIFICATE-----\nfrom1till9999999of%s\n-----END CERTIFICATE-----\n"
    assert.matches("no certificate", chain "")
    assert.matches("no certificate", chain "<html>no</html>")
    assert.matches("can be read", chain(("-----BEGIN CERTIFICATE-----\nx\n"
      .. "-----END CERTIFICATE-----\n")))
    assert.matches("not one for a%+test", chain(block:format "b+test"))
    assert.matches("too many", chain(block:format("a+test"):rep(17)))
    assert.matches("ended at 1970%-01%-01T00:00:09Z", chain((block:format("a+test")
      :gsub("9999999", "9"))))
    -- A key of the CA's choice is left out.
    world = fake_ca.new()
    world.answers["POST /certificate"] = body("-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE "
      .. "KEY-----\n" .. block:format "a+test")
    world:start()
    world:run(3)
    assert.equal("valid", world:state("a+test").state)
    assert.is_nil(world.published:find("PRIVATE", 1, true))
  end)

  it("may come late, or break off in the middle", function()
    for _, what in ipairs { "GET /directory", "HEAD /new-nonce", "POST /new-account",
      "POST /new-order", "POST /authorization", "POST /challenge", "POST /finalize", "POST /order",
      "POST /certificate" } do
      assert.matches("timed out", reason(what, function() return nil, "receive: timed out" end))
      assert.matches("boom", reason(what, function() error("boom", 0) end))
      assert.matches("the CA answered 500: at https", reason(what, body("oops", {}, 500)))
    end
  end)

  it("may say when to come back, as seconds or as a date, within reason", function()
    local fault = require "neap.agent.acme.fault"
    local wall = 784111777 -- Sun, 06 Nov 1994 08:49:37 GMT
    for _, case in ipairs {
      { "120", 120 }, { "0", 0 }, { "99999999", 86400 }, { "-5" }, { "1e9" }, { "soon" }, { "" },
      { "Sun, 06 Nov 1994 08:50:37 GMT", 60 }, { "Sun, 06 Nov 1994 08:00:00 GMT", 0 },
      { "Wed, 01 Mar 2000 00:00:00 GMT", 86400 }, { "Sun, 06 Foo 1994 08:50:37 GMT" },
    } do
      assert.equal(case[2], fault.retry_after(case[1], wall))
    end
  end)
end)
