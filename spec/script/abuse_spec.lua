-- What a policy may do to neap's own objects: an error at most, never the end of a worker.
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local function start(policy, webs)
  return neap.start {
    config = neap.config(webs, 'policy = "policy.lua", health = { type = "none" }'),
    files = { ["policy.lua"] = 'local neap, kept = require "neap", {}\nreturn {' .. policy .. "}" },
    allow = { "hook %a+ of service" },
  }
end

-- The body of pick → a line of the log, if it is an error of the hook.
local abuses = {
  { "calls a counter's method with a dot",
    "local c = pool:counter 'x' c.next 'x' return pool[1]", "called with a colon" },
  { "makes up a counter", "pool:counter('x').get { number = 99 } return pool[1]",
    "called with a colon" },
  { "lets a pool grow", [[
    pool:least_loaded()
    for i = #pool + 1, 100000 do pool[i] = pool[1] end
    return pool:least_loaded() and pool:hash 'k']] },
  { "puts something else into a pool", "pool[1] = 'x' return pool:hash 'k'" },
  { "empties a pool", "while #pool > 0 do table.remove(pool) end error 'gone'", "gone" },
  { "waits in a callback of string.gsub",
    "('x'):gsub('x', function() neap.dns.resolve 'localhost' end)", "string%.gsub.* cannot wait" },
  { "waits in a comparator, and swallows the error", [[
    pcall(table.sort, { 1, 2, 3 }, function() neap.tcp.connect '127.0.0.1:1' end)
    neap.sleep(0.01)
    return pool[1] ]] },
  { "sets a path without end", "request:set_path('/' .. ('a'):rep(200000))", "is not a path" },
  { "replaces a function of neap", "neap.log.info = nil",
    "neap%.log%.info cannot be assigned: all policies share it" },
  { "loops in an error handler", [[
    local function loop() while true do end end
    xpcall(loop, loop)]], "ran for more than" },
  { "raises what cannot be printed",
    "error(setmetatable({}, { __tostring = function() while true do end end }))",
    "the error is a table" },
}

describe("a policy that", function()
  local webs

  before_each(function() webs = { origin.start {} } end)

  for _, abuse in ipairs(abuses) do
    it(abuse[1] .. " harms no request", function()
      local n = start("pick = function(request, pool) " .. abuse[2] .. " end", webs)
      local worker = n:workers()[1]
      for _ = 1, 4 do assert.equal(200, n:get("/").status) end
      if abuse[3] then n:wait_log(abuse[3]) end
      assert.same({ worker }, n:workers())
    end)
  end

  it("changes an answer after it was made is told so", function()
    local n = start([[request = function()
      local answer = neap.reply {}
      answer.status = 101
      return answer
    end]], webs)
    assert.equal(200, n:get("/").status)
    n:wait_log "status must be an integer from 200 to 599, not 101"
  end)

  for what, bad in pairs {
    ["status must be"] = "status = 101",
    ["'Connection' belongs to the connection"] = "headers = { Connection = 'close' }",
    ["'x y' is not a header's name"] = "headers = { ['x y'] = '1' }",
    ["header 'X' must be a string"] = "headers = { X = { {} } }",
  } do
    it("makes an answer with " .. bad .. " is told the line of the policy", function()
      local code, said = neap.check(neap.config({ "http://127.0.0.1:1" }, ([[
        policy = { request = function()
          local a = require("neap").reply { %s }
          return a
        end }]]):format(bad)))
      assert.equal(1, code)
      assert.matches("[^ ]+%.lua:%d+: [^<]*" .. what, said)
      assert.is_nil(said:find("reply.lua", 1, true))
    end)
  end

  it("keeps its coroutine cannot resume it in another hook", function()
    local n = start([[pick = function(_, pool)
      assert(coroutine.running() == nil)
      return pool[1]
    end]], webs)
    assert.equal(200, n:get("/").status)
    assert.equal(0, n:count_log "hook pick")
  end)

  it("hands a connection to another request leaves the first one's bytes alone", function()
    local sink = origin.start {
      connection = function(conn)
        conn:wait(0.3)
        while conn:read_some() do conn:wait(0) end
      end,
    }
    local n = start(([[request = function(request)
      if request.path == "/send" then
        kept.conn = neap.tcp.connect "127.0.0.1:%d"
        kept.conn:send(("x"):rep(8000000))
      else
        kept.conn:send "other"
        kept.garbage = ("y"):rep(1000000) .. request.id
      end
    end]]):format(sink.port), webs)
    local first = client.connect(n.address)
    first:send "GET /send HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return sink:connections() == 1 end)
    for _ = 1, 20 do assert.equal(200, n:get("/other").status) end
    assert.equal(200, first:read_response().status)
  end)

  local HOARDER = [[pick = function(request, pool)
    for i = 1, 2000 do pool:counter("c" .. i):next() end
  end]]

  it("uses up the counters leaves the default its own", function()
    local n = start(HOARDER, { webs[1], origin.start {} })
    for _ = 1, 4 do assert.equal(200, n:get("/").status) end
    n:wait_log "there are too many counters"
  end)

  it("used up the counters may be mended by a reload", function()
    local n = start(HOARDER, webs)
    n:get "/"
    n:wait_log "there are too many counters"
    scope.write(n.dir .. "/policy.lua", [[return { pick = function(_, pool)
      for i = 1, 50 do pool:counter("mine" .. i):next() end
      return nil, "well"
    end }]])
    n:signal "HUP"
    n:wait_log "reloaded: generation 2 serves"
    assert.equal("well", n:get("/").headers["x-neap-error"])
  end)

  it("changes the default policy does so for itself alone", function()
    local n = neap.start {
      config = ([[return { workers = 1, services = {
        { listen = "127.0.0.1:0", pool = "a", policy = "own.lua" },
        { listen = "127.0.0.1:0", pool = "a" } },
        pools = { a = { backends = { %q }, health = { type = "none" } } } }]]):format(webs[1].url),
      files = { ["own.lua"] = [[
        local policy = require "neap.policy.round_robin"
        policy.pick = function() return nil, "mine" end
        return policy]] },
    }
    assert.equal("mine", client.get(n.addresses[1]).headers["x-neap-error"])
    assert.equal(200, client.get(n.addresses[2]).status)
  end)
end)
