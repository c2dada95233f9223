local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"

local KILLED = "was killed by signal 9"

local function start(more)
  return neap.start { config = neap.config({ origin.start {} }, more), allow = { KILLED } }
end

local function replacement(find, old)
  return eventually(function()
    local pid = find()
    return pid and pid ~= old and pid
  end, 1, "another process")
end

describe("supervision", function()
  it("replaces a killed worker within a second, and serves", function()
    local n = start()
    local old = n:workers()[1]
    process.signal(old, "KILL")
    replacement(function() return n:workers()[1] end, old)
    assert.equal(200, n:get("/").status)
    n:wait_log("worker 0 %(pid " .. old .. "%) was killed by signal 9 .*; starting another")
  end)

  it("loses no connection that waits in the queue of a killed worker", function()
    local n = start()
    local old = n:workers()[1]
    process.signal(old, "STOP")
    local waiting = client.connect(n.address)
    waiting:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    process.signal(old, "KILL")
    assert.equal(200, waiting:read_response().status)
  end)

  it("goes on serving with the other workers", function()
    local n = start "workers = 2"
    process.signal(n:workers()[1], "STOP")
    local answered = 0
    for _ = 1, 8 do
      local c = client.connect(n.address, { timeout = 0.3 })
      c:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      local ok, response = pcall(c.read_response, c)
      if ok and response then answered = answered + 1 end
    end
    process.signal(n:workers()[1], "CONT")
    process.signal(n:workers()[2], "CONT")
    assert.is_true(answered > 0)
  end)

  it("replaces a killed agent within a second", function()
    local n = start()
    local old = n:agent()
    process.signal(old, "KILL")
    replacement(function() return n:agent() end, old)
    assert.equal(200, n:get("/").status)
    n:wait_log("agent %(pid " .. old .. "%) was killed by signal 9")
  end)

  it("gives a replaced process what was loaded at the start, whatever the file says", function()
    local n = start()
    local file = assert(io.open(n.dir .. "/config.lua", "w"))
    file:write "this is no Lua\n"
    file:close()
    local worker, agent = n:workers()[1], n:agent()
    process.signal(worker, "KILL")
    process.signal(agent, "KILL")
    replacement(function() return n:workers()[1] end, worker)
    replacement(function() return n:agent() end, agent)
    assert.equal(200, n:get("/").status)
  end)

  it("waits longer and longer before it replaces what dies at once", function()
    local n = start()
    local killed, last = 0, nil
    local finish = eventually.now() + 2
    while eventually.now() < finish do
      pcall(eventually.within, 0.05, function()
        local pid = n:workers()[1]
        if not pid or pid == last then return false end
        process.signal(pid, "KILL")
        last, killed = pid, killed + 1
        return true
      end)
    end
    assert.is_true(killed >= 3 and killed <= 7, killed .. " were started in 2 s")
    eventually(function() return n:get("/").status == 200 end, 6)
  end)

  it("leaves nothing behind when the master is killed", function()
    local n = start "workers = 2"
    local below = process.tree(n.pid)
    assert.equal(3, #below)
    process.signal(n.pid, "KILL")
    eventually(function()
      for _, pid in ipairs(below) do assert.is_false(process.exists(pid)) end
    end, 1)
    n:wait()
    n.finished = true
  end)

  it("kills nobody when the whole tree was suspended #slow", function()
    local n = start "workers = 2"
    local before = n:workers()
    local all = process.tree(n.pid)
    table.insert(all, 1, n.pid)
    for _, pid in ipairs(all) do process.signal(pid, "STOP") end
    eventually.pause(3, "a machine that sleeps")
    for index = #all, 1, -1 do process.signal(all[index], "CONT") end
    eventually.always(function() return #n:workers() == 2 end, 1)
    assert.same(before, n:workers())
  end)
end)
