local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local tcp = require "support.tcp"

local POLICY = [[policy = {
  backends = function(r) print("SEEN " .. r.client_port) end,
  log = function(_, o) print(("END %d %s"):format(o.status, o.reason)) end,
},]]

local function before(web, more)
  return neap.start {
    config = ([[return { listen = "127.0.0.1:0", mode = "tcp", workers = 1, %s %s
      health = { type = "none" }, backends = { { url = "tcp://%s", slots = 1 } } }]])
      :format(POLICY, more or "", web.address),
  }
end

local function open(n)
  local c = client.connect(n.address)
  n:wait_log "SEEN %d+\n"
  return c
end

describe("a connection of a tcp service", function()
  local web
  before_each(function() web = origin.start { connection = tcp.named "b" } end)

  it("waits for a slot, with what it sends meanwhile", function()
    local n = before(web)
    local first = open(n)
    assert.equal("b\n", first:receive_until "\n")
    local second = open(n)
    second:send "hello"
    eventually.always(function() return web:connections() == 1 end, 0.1)
    first:close()
    assert.equal("b\nhello", second:receive(7))
    assert.equal(2, web:connections())
  end)

  it("that ended its side behind what it sent is served all the same", function()
    local n = before(web)
    local first = open(n)
    assert.equal("b\n", first:receive_until "\n")
    local second = open(n)
    second:send "hello"
    second:shutdown_write()
    first:close()
    assert.equal("b\nhello", second:receive_all())
  end)

  it("that has left without a word does not take a slot", function()
    local n = before(web)
    local first = open(n)
    assert.equal("b\n", first:receive_until "\n")
    open(n):close()
    open(n):reset()
    eventually(function() return n:count_log "END 0 client left" == 2 end)
    first:close()
    eventually(function() return web:open_connections() == 0 end)
    assert.equal("b\n", open(n):receive_until "\n")
    assert.equal(2, web:connections())
  end)

  it("is cut off when queue.timeout is over", function()
    local n = before(web, "queue = { timeout = 0.1 },")
    local first = open(n)
    assert.equal("b\n", first:receive_until "\n")
    local second = open(n)
    assert.is_true(second:closed())
    n:wait_log "END 503 queue timed out"
    first:send "on"
    assert.equal("on", first:receive(2))
  end)
end)
