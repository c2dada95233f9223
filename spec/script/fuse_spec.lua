local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local function start(body, web)
  return neap.start {
    config = neap.config(web, 'policy = "policy.lua", health = { type = "none" }'),
    files = { ["policy.lua"] = ([[
      return { request = function(request)
        if request.path ~= "/bad" then return end
        %s
      end }]]):format(body) },
    allow = { "hook %a+ of service", "was killed" },
  }
end

local bad = {
  { "an endless loop", "while true do end" },
  { "an endless loop that counts", "local n = 0 while true do n = n + 1 end" },
  { "an endless loop that swallows errors",
    "while true do pcall(function() while true do end end) end" },
  { "an endless loop in a coroutine",
    "coroutine.wrap(function() while true do pcall(error) end end)()" },
  { "a sort that never ends", "while true do table.sort { 3, 1, 2 } end" },
  { "a memory hog", "local t = {} while true do t[#t + 1] = { 1, 2, 3 } end" },
  { "a string that grows", "local s = 'x' while true do s = s .. s end" },
  { "deep recursion", "local function f(n) return 1 + f(n) end f(1)" },
  { "deep recursion that swallows errors",
    "local function f() pcall(f) pcall(f) end while true do f() end" },
}

describe("the fuse", function()
  local web

  before_each(function() web = origin.several(2) end)

  for _, case in ipairs(bad) do
    it("stops " .. case[1] .. ", and nobody notices", function()
      local n = start(case[2], web)
      local worker = n:workers()[1]
      for _ = 1, 2 do
        local answer = n:get "/bad"
        assert.equal(200, answer.status)
        assert.matches("^web", answer.body)
      end
      n:wait_log "hook request of service"
      assert.equal(200, n:get("/").status)
      assert.equal(worker, n:workers()[1])
    end)
  end

  it("names the line", function()
    local n = start("while true do end", web)
    n:get "/bad"
    n:wait_log "policy%.lua:3: ran for more than 50 ms"
  end)

  it("warns of a hook that holds the loop", function()
    local n = start("local n = 0 for i = 1, 3e7 do n = n + i % 7 end", web)
    eventually(function()
      n:get "/bad"
      return n:count_log "held the loop for %d+ ms" > 0
    end, 10)
  end)

  it("replaces a worker that is stuck inside C #slow", function()
    local n = start("return (('a'):rep(60):find(('a*'):rep(40) .. 'b'))", web)
    local worker = n:workers()[1]
    local c = client.connect(n.address)
    c:send "GET /bad HTTP/1.1\r\nHost: a\r\n\r\n"
    n:wait_log("worker 0 .*stuck for 2 s in hook request")
    assert.equal(200, eventually(function()
      local ok, answer = pcall(n.get, n, "/")
      return ok and answer and answer.status
    end))
    assert.not_equal(worker, n:workers()[1])
  end)
end)
