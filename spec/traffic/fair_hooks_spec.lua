local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local COUNT = 150

-- Hooks that count what they did; the other service tells the count.
local POLICY = [[
  local neap = require "neap"
  local done, block = neap.metric.counter("done", "hooks that have worked"), ("x"):rep(1000)
  local function work(request)
    for _ = 1, tonumber(request.path:match "%d+") do neap.hmac("key", block) end
    done:add(1)
  end
]]

local TELLS = POLICY .. [[
  return { request = function() return neap.reply { body = tostring(done:get()) } end }
]]

local function start(hook)
  local web = origin.start {}
  return neap.start {
    config = ([[return { workers = 1, services = {
      { name = "busy", listen = "127.0.0.1:0", policy = "busy.lua",
        health = { type = "none" }, backends = { %q } },
      { name = "other", listen = "127.0.0.1:0", policy = "tells.lua",
        health = { type = "none" }, backends = { %q } } } }]]):format(web.url, web.url),
    files = { ["busy.lua"] = POLICY .. hook, ["tells.lua"] = TELLS },
    allow = { "held the loop" },
  }
end

local function done(c) return tonumber(c:request("GET", "/").body) end

-- How many rounds are about so much of the worker's time.
local function rounds_of(n, seconds)
  local c, best = client.connect(n.address), math.huge
  for _ = 1, 5 do
    local began = eventually.now()
    c:request("GET", "/0")
    local empty = eventually.now()
    c:request("GET", "/1000")
    best = math.min(best, eventually.now() - empty - (empty - began))
  end
  c:close()
  return math.max(1, math.floor(1000 * seconds / best))
end

local function send_all(n, rounds)
  local clients, request = {}, ("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"):format(rounds)
  for i = 1, COUNT do
    clients[i] = client.connect(n.address, { timeout = 30 })
    clients[i]:send(request)
  end
  return clients
end

-- How often the other service's client had an answer between the first of these hooks and the last.
local function answers_between(other, first, last)
  local answers, now = 0, first
  local deadline = eventually.now() + 20 * eventually.slowness
  while now < last and eventually.now() < deadline do
    now = done(other)
    if now > first and now < last then answers = answers + 1 end
  end
  return answers
end

describe("hooks that have slept for the same time", function()
  it("let other clients have answers of neap's own in between", function()
    local n = start [[return { request = function(request)
      neap.sleep(0.3)
      work(request)
      return neap.reply { status = 403 }
    end }]]
    local other = client.connect(n.addresses[2], { timeout = 30 })
    local rounds, first = rounds_of(n, 0.005), done(other)
    local clients = send_all(n, rounds)
    local answers = answers_between(other, first, first + COUNT)
    assert.is_true(answers >= 12, answers)
    for i = 1, COUNT do assert.equal(403, clients[i]:read_response().status) end
  end)
end)
