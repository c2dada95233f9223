local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"

local GET = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

-- Which worker a process is, by its title.
local function find(n, name)
  for _, pid in ipairs(n:workers()) do
    local file = io.open(("/proc/%d/cmdline"):format(pid))
    local title = file and file:read "*a" or ""
    if file then file:close() end
    if title:find("worker " .. name, 1, true) then return pid end
  end
end

-- Kills worker 0 whenever there is one, until it rests for a while.
local function kill_until_it_rests(n)
  eventually(function()
    local pid = find(n, 0)
    if pid then process.signal(pid, "KILL") end
    return n:count_log "worker 0 .* was killed" >= 6
  end, 15)
end

local function start(more)
  return neap.start {
    config = neap.config({ origin.start {} }, 'health = { type = "none" }, ' .. more),
    allow = { "was killed by signal 9", "did not finish loading" },
  }
end

-- All are made first: the kernel gives the resting worker's sockets their share.
local function ask_many(n, count)
  local clients = {}
  for i = 1, count do
    clients[i] = client.connect(n.address, { timeout = 2 })
    clients[i]:send(GET)
  end
  for i = 1, count do assert.equal(200, clients[i]:read_response().status) end
end

describe("a worker that rests because it keeps dying", function()
  it("leaves none of its new connections hanging: another one accepts them", function()
    local n = start "workers = 2"
    kill_until_it_rests(n)
    assert.is_nil(find(n, 0))
    ask_many(n, 40)
    assert.is_nil(find(n, 0))
    eventually(function() return find(n, 0) end, 8)
    ask_many(n, 40)
  end)

  it("has another stand-in when that one dies, too", function()
    local n = start "workers = 3"
    kill_until_it_rests(n)
    process.signal(find(n, 1), "KILL")
    ask_many(n, 40)
  end)

  it("lets its addresses be closed when neap drains", function()
    local n = start 'workers = 2, timeouts = { drain = 20 }'
    kill_until_it_rests(n)
    local open = client.connect(n.address)
    open:send "GET / HTTP/1.1\r\nHost: a\r\n"
    ask_many(n, 2)
    n:signal "QUIT"
    n:wait_log "drain"
    eventually(function()
      return not pcall(client.connect, n.address, { timeout = 0.2 })
    end)
    open:close()
    assert.equal(0, n:wait(10))
  end)

  it("is replaced in place by a reload", function()
    local n = start "workers = 2"
    kill_until_it_rests(n)
    n:signal "HUP"
    n:wait_log "generation 2"
    ask_many(n, 20)
    assert.is_truthy(find(n, 0))
  end)
end)
