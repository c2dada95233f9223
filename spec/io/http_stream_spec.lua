local eventually = require "support.eventually"
local hook_code = require "support.hook_code"
local origin = require "support.origin"
local scope = require "support.scope"
local testing = require "neap.testing"

local READ = [[
  local a = assert(neap.http.request { url = url .. request.path, stream = true, timeout = 4 })
  local n, pieces = 0, 0
  for piece in a:chunks() do n, pieces = n + #piece, pieces + 1 end
  local how = pieces > 0 and "pieces" or "none"
  return table.concat({ a.status, n, how, tostring(a.failure) }, " ")]]

local function rss(n)
  local status = scope.read(("/proc/%d/status"):format(n:workers()[1]))
  return tonumber(status:match "VmRSS:%s*(%d+) kB") * 1024
end

local CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

local function start(connection, code)
  local api = origin.start { connection = connection, allow_errors = true }
  return hook_code.start(code or READ, { url = api.url }, { config = ", workers = 1" }), api
end

local function says(bytes)
  return function(conn)
    conn:read_until "\r\n\r\n"
    conn:send(bytes)
  end
end

describe("a streamed answer of neap.http", function()
  it("comes in pieces, in each framing", function()
    local block = ("x"):rep(50000)
    local function answer(bytes) return (start(says(bytes))):get("/").body end
    assert.equal("200 50000 pieces nil",
      answer("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" .. block))
    assert.equal("200 100000 pieces nil",
      answer(CHUNKED .. "C350\r\n" .. block .. "\r\nc350;a=b\r\n" .. block
        .. "\r\n0\r\nX: y\r\n\r\n"))
    assert.equal("200 50000 pieces nil", answer("HTTP/1.0 200 OK\r\n\r\n" .. block))
    assert.equal("204 0 none nil", answer "HTTP/1.1 204 No Content\r\n\r\n")
    assert.equal("200 0 none nil", answer "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
  end)

  it("is handed out while it comes", function()
    local n = start(function(conn)
      conn:read_until "\r\n\r\n"
      conn:send(CHUNKED .. "3\r\none\r\n")
      conn:closed(10)
    end, [[
      local a = assert(neap.http.request { url = url, stream = true })
      local first = a:read()
      a:close()
      return first .. tostring(a:read()) .. a.failure]])
    assert.equal("onenilclosed", n:get("/").body)
  end)

  it("of a gigabyte costs no memory", function()
    local n = start(function(conn)
      local block = "10000\r\n" .. ("x"):rep(65536) .. "\r\n"
      conn:read_until "\r\n\r\n"
      conn:send(CHUNKED)
      for _ = 1, 2000 do if not conn:send(block) then return end end
      conn:send "0\r\n\r\n"
    end)
    n:get "/" -- the worker is warm
    local before = rss(n)
    assert.equal("200 131072000 pieces nil", n:get("/").body)
    assert.is_true(rss(n) - before < 30 * 2 ^ 20)
  end)

  it("leaves its connection to the next one, when it was read to its end", function()
    local api = origin.start { handler = function(_, request)
      if request.target == "/part" then return ("x"):rep(100000) end
      return "whole"
    end }
    local n = hook_code.start([[
      local a = assert(neap.http.request { url = url .. request.path, stream = true })
      if request.path == "/part" then a:read() else for _ in a:chunks() do end end
      return a.status]], { url = api.url }, { config = ", workers = 1" })
    for _ = 1, 3 do n:get "/" end
    assert.equal(1, api:connections())
    for _ = 1, 3 do n:get "/part" end
    eventually(function() return api:open_connections() == 0 end)
    assert.equal(3, api:connections())
  end)

  it("says when it was not whole", function()
    local function answer(bytes) return (start(says(bytes))):get("/").body end
    assert.equal("200 3 pieces closed",
      answer "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    assert.equal("200 3 pieces closed", answer(CHUNKED .. "3\r\nabc\r\n"))
    assert.matches("^200 %d+ %a+ the answer's body is malformed$",
      answer(CHUNKED .. "3\r\nabc\r\nzz\r\n"))
    local n = start(function(conn)
      conn:read_until "\r\n\r\n"
      conn:send "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nabc"
      conn:closed(10)
    end, (READ:gsub("timeout = 4", "timeout = 0.5")))
    assert.equal("200 3 pieces timeout", n:get("/").body)
  end)

  it("is bounded by max_bytes", function()
    local n = start(says("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" .. ("x"):rep(9000)),
      (READ:gsub("timeout = 4", "max_bytes = 100")))
    assert.matches("^200 %d+ %a+ the answer's body is too large$", n:get("/").body)
  end)

  it("is the same in the test kit", function()
    local function policy_told(network)
      local policy = { request = function()
        local neap = require "neap"
        local a = assert(neap.http.request { url = "http://api/x", stream = true })
        local pieces = {}
        for piece in a:chunks() do table.insert(pieces, piece) end
        return neap.reply { body = table.concat(pieces, "|") .. a:header "X-A" }
      end }
      return testing.pool(1, { policy = policy, network = network }):send().body
    end
    local function http(body)
      return { ["http://api/x"] = { body = body, headers = { ["X-A"] = 1 } } }
    end
    assert.equal("a|b1", policy_told { http = http { "a", "", "b" } })
    assert.equal("ab1", policy_told { http = http "ab" })
  end)
end)
