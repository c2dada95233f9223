local client = require "support.client"
local proxied = require "support.proxied"

-- The field lines as they stand in a head.
local function lines(raw)
  local list = {}
  for line in raw:gmatch "\n([^\r\n]+)\r" do table.insert(list, line) end
  return list
end

local function ask(n, web, fields)
  local response = client.request(n.address, "GET / HTTP/1.1\r\n" .. fields .. "\r\n")
  assert.equal(200, response.status)
  local all = web:requests()
  return all[#all]
end

local function answering(fields)
  return {
    connection = function(conn)
      while conn:read_request() do
        conn:send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" .. fields .. "\r\nok")
      end
    end,
  }
end

describe("the fields of a request", function()
  it("go on byte for byte, in their order, with their case", function()
    local n, web = proxied.start {}
    local sent = {
      "hOsT: a", "X-b:1", "x-A:\t two  words ", "X-b: 2", "ACCEPT: */*", "x_under: kept",
      "Cookie: a=1", "cookie: b=2", "X-Empty:", "X-Obs: \195\182", "!#$%&'*+-.^_`|~: all",
    }
    local got = lines(ask(n, web, table.concat(sent, "\r\n") .. "\r\n").raw)
    for index, line in ipairs(sent) do assert.equal(line, got[index]) end
  end)

  it("that end at each hop end here", function()
    local n, web = proxied.start {}
    local headers = ask(n, web, "Host: a\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\n"
      .. "x-mine: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
      .. "Proxy-Authorization: Basic eA==\r\nTE: gzip\r\nUpgrade: foo\r\nX-Kept: 1\r\n").headers
    for _, name in ipairs { "connection", "x-mine", "keep-alive", "proxy-connection",
      "proxy-authorization", "te", "upgrade" } do
      assert.is_nil(headers[name], name)
    end
    assert.equal("1", headers["x-kept"])
  end)

  for _, name in ipairs { "Host", "Authorization", "Cookie", "X-Forwarded-For", "X-Forwarded-Proto",
    "Content-Type", "X-Api-Key", "Sec-Fetch-Site", "Origin" } do
    it("cannot be stripped by Connection where security rests on them: " .. name, function()
      local n, web = proxied.start {}
      local more = name == "Host" and "" or name .. ": value\r\n"
      local headers = ask(n, web, "Host: value\r\nConnection: close, " .. name .. "\r\n" .. more)
        .headers
      assert.is_string(headers[name:lower()])
    end)
  end

  it("cannot strip the body's length", function()
    local n, web = proxied.start {}
    local evil = "GET /evil HTTP/1.1\r\nHost: b\r\n\r\n"
    local response = client.request(n.address, "POST / HTTP/1.1\r\nHost: a\r\n"
      .. "Connection: Content-Length\r\nContent-Length: " .. #evil .. "\r\n\r\n" .. evil)
    assert.equal(200, response.status)
    assert.equal(1, #web:requests())
    assert.equal(evil, web:requests()[1].body)
  end)

  it("keep the client's Host", function()
    local n, web = proxied.start {}
    assert.equal("shop.example:81", ask(n, web, "Host: shop.example:81\r\n").headers.host)
  end)
end)

describe("the fields of an answer", function()
  it("go on byte for byte, in their order, with their case", function()
    local sent = {
      "X-b:1", "x-A:\t two  words ", "X-b: 2", "Set-Cookie: a=1", "set-cookie: b=2", "SERVER: x",
      "Date: Thu, 01 Jan 1970 00:00:00 GMT", "X-Empty:",
    }
    local n = proxied.start(answering(table.concat(sent, "\r\n") .. "\r\n"))
    local got = lines(n:get("/").raw)
    assert.equal("Content-Length: 2", got[1])
    for index, line in ipairs(sent) do assert.equal(line, got[index + 1]) end
    assert.equal(#sent + 1, #got)
  end)

  it("that end at each hop end here", function()
    local n = proxied.start(answering("Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\n"
      .. "Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nProxy-Connection: x\r\n"
      .. "Upgrade: h2c\r\nX-Kept: 1\r\n"))
    local headers = n:get("/").headers
    assert.same({ { name = "Content-Length", value = "2" }, { name = "X-Kept", value = "1" } },
      { headers[1], headers[2], headers[3] })
  end)

  it("cannot lose their length or cookies by Connection", function()
    local n = proxied.start(answering(
      "Connection: Content-Length, Set-Cookie\r\nSet-Cookie: a=1\r\n"))
    local headers = n:get("/").headers
    assert.equal("2", headers["content-length"])
    assert.equal("a=1", headers["set-cookie"])
  end)

  it("keep the status and its reason", function()
    local n = proxied.start {
      connection = function(conn)
        while conn:read_request() do
          conn:send("HTTP/1.1 " .. conn.request.target:sub(2):gsub("_", " ")
            .. "\r\nContent-Length: 0\r\n\r\n")
        end
      end,
    }
    for _, line in ipairs { "200_Fine_by_me", "418_I'm_a_teapot", "599_", "500" } do
      local response = n:get("/" .. line)
      assert.equal(tonumber(line:match "%d+"), response.status)
      assert.equal(line:sub(5):gsub("_", " "), (response.reason))
    end
  end)
end)
