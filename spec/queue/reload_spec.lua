local eventually = require "support.eventually"
local gate = require "support.gate"
local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

local CONFIG = [[return { listen = "127.0.0.1:0", workers = 2, health = { type = "none" },
  queue = { timeout = 20 }, backends = { { url = %q, slots = 1 } }, %s }]]

-- The slot is held by "/1" and "/2" waits for it; then a reload with those backends.
local function reloaded(g, backends)
  local n = neap.start { config = CONFIG:format(g.url, gate.policy) }
  local holder = gate.send(n, "/1")
  eventually(function() return #g:requests() == 1 end)
  local waiting = gate.send(n, "/2")
  scope.write(n.dir .. "/config.lua", CONFIG:format(backends.url, gate.policy))
  n:signal "HUP"
  n:wait_log("reloaded: generation 2 serves", 10)
  return n, holder, waiting
end

describe("a reload while requests wait for a slot", function()
  it("lets them be served, and those that came since wait for them", function()
    local g = gate.start()
    local n, holder, waiting = reloaded(g, g)
    local late = gate.send(n, "/3")
    assert.equal(1, #g:requests())
    for _, path in ipairs { "/1", "/2", "/3" } do g:open(path) end
    assert.same({ 200, "/1" }, { gate.answer(holder) })
    assert.same({ 200, "/2" }, { gate.answer(waiting) })
    assert.same({ 200, "/3" }, { gate.answer(late) })
  end)

  it("that takes their backend away lets them be served there, and others elsewhere", function()
    local g, other = gate.start { name = "old" }, gate.start { name = "new" }
    local n, holder, waiting = reloaded(g, other)
    local late = gate.send(n, "/3")
    other:open "/3"
    assert.same({ 200, "/3" }, { gate.answer(late) })
    for _, path in ipairs { "/1", "/2" } do g:open(path) end
    assert.same({ 200, "/1" }, { gate.answer(holder) })
    assert.same({ 200, "/2" }, { gate.answer(waiting) })
    assert.equal(2, #g:requests())
  end)

  it("frees what an old worker held that is killed", function()
    local g = gate.start()
    local old = neap.start { config = CONFIG:format(g.url, gate.policy) }
    local holder = gate.send(old, "/1")
    eventually(function() return #g:requests() == 1 end)
    local workers = old:workers()
    old:signal "HUP"
    old:wait_log("reloaded: generation 2 serves", 10)
    local late = gate.send(old, "/3")
    g:open "/3"
    old:allow "was killed by signal 9"
    for _, pid in ipairs(workers) do process.signal(pid, "KILL") end
    assert.same({ 200, "/3" }, { gate.answer(late) })
    assert.is_true(holder:closed())
  end)
end)
