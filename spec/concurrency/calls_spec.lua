-- What hooks do with neap.concurrency, in the balancer and in the test kit.

local client = require "support.client"
local neap = require "support.neap"
local scope = require "support.scope"
local testing = require "neap.testing"

local CONFIG = [[return {
  listen = "127.0.0.1:0", workers = 1, backends = { "http://127.0.0.1:1" },
  health = { type = "none" }, policy = "driver.lua", shared = { a = { bytes = 65536 } },
}]]

local DRIVER = [[
local neap = require "neap"
local c = neap.concurrency { limit = 1, store = "a" }
local two = neap.concurrency { limit = 2, store = "a" }
local function list(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
  return table.concat(parts, " ")
end
return { request = function(request)
  local fn = assert(load("local c, two, request, neap = ... " .. request:header "probe", "=probe"))
  return neap.reply { body = list(pcall(fn, c, two, request, neap)) }
end }
]]

local PROBES = {
  { "return c:inside 'k', c:enter 'k', c:inside 'k'", "true 0 true 1" },
  { "return c:inside 'k'", "true 0" }, -- the request before has ended
  { "return c:enter 'k', c:enter 'k', c:inside 'k'", "true true true 1" },
  { "return c:enter 'k', c:leave 'k', c:leave 'k', c:inside 'k'", "true true true false 0" },
  { "return c:enter 'a', c:enter 'b', c:enter 'c', c:leave 'b', c:inside 'b', c:inside 'c'",
    "true true true true true 0 1" },
  { "return c:enter(request), c:inside(request), c:leave(request)", "true true 1 true" },
  { "return c:enter(request.client_ip), c:inside(request)", "true true 0" },
  { "return c:enter 'k', two:inside 'k', two:enter 'k', two:inside 'k'", "true true 0 true 1" },
  { "return c:enter(('k'):rep(1e5)), c:inside(('k'):rep(1e5)), c:inside(('k'):rep(99999))",
    "true true 1 0" },
  { "return c:enter '', c:inside ''", "true true 1" },
  { "return c.name, c.limit, two.limit", "true 1 1 2" },
  { "c:enter() return 1",
    "false probe:1: concurrency:enter: the key is a nil (expected a string, or the request: its "
      .. "client)" },
  { "c.enter 'k' return 1",
    "false probe:1: the methods of a concurrency limit are called with a colon" },
  { "c:entre 'k' return 1",
    "false probe:1: a concurrency limit has no 'entre'; did you mean 'enter'?" },
}

describe("neap.concurrency in hooks", function()
  it("enters, leaves and is left with the request's end", function()
    local real = neap.start { config = CONFIG, files = { ["driver.lua"] = DRIVER } }
    local connection = client.connect(real.address)
    for _, probe in ipairs(PROBES) do
      local answer = connection:request("GET", "/", { probe = probe[1] })
      assert.equal(probe[2], answer.body, probe[1])
    end
  end)

  it("does so in the test kit", function()
    local folder = scope.directory()
    scope.write(folder .. "/config.lua", CONFIG)
    scope.write(folder .. "/driver.lua", DRIVER)
    local kit = testing.balancer { config = folder .. "/config.lua" }
    for _, probe in ipairs(PROBES) do
      local answer = kit.pool:send { path = "/", headers = { { "Probe", probe[1] } } }
      assert.equal(probe[2], answer.body, probe[1])
    end
  end)

  it("is for hooks that a request's end follows", function()
    local n = neap.start { allow = { "no request is here" }, config = [[
      local neap = require "neap"
      local c = neap.concurrency { limit = 1 }
      return { listen = "127.0.0.1:0", backends = { "http://127.0.0.1:1" },
        health = { type = "none" },
        policy = { connection = function() c:enter "k" end,
          request = function() return neap.reply {} end } }]] }
    assert.equal(200, n:get("/").status)
    n:wait_log("concurrency:enter: no request is here that could be in there", 5)
  end)
end)
