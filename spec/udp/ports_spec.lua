local eventually = require "support.eventually"
local lfs = require "lfs"
local udp = require "support.udp"

local CLIENTS = 40
local LEAST = 16 -- that are opened before one is used again

local function count_files(pid)
  local n = 0
  for _ in lfs.dir(("/proc/%d/fd"):format(pid)) do n = n + 1 end
  return n
end

-- Many clients ask at once. → the balancer, how many files its worker had before
local function crowd(server, more)
  local n = udp.start({ server }, more)
  local pid, clients = n:workers()[1], {}
  local before = count_files(pid)
  for i = 1, CLIENTS do clients[i] = udp.client(n.address) end
  for _, c in ipairs(clients) do c:send "crowd" end
  for _, c in ipairs(clients) do assert.equal("a: crowd", c:receive()) end
  assert.is_true(count_files(pid) >= before + LEAST)
  return n, before
end

describe("the ports to backends", function()
  it("are closed when no flow has needed them for a while", function()
    local n, before = crowd(udp.named "a", "timeouts = { udp = 0.3 },")
    local pid = n:workers()[1]
    eventually(function() return count_files(pid) <= before end, 30)
    assert.equal("a: again", udp.client(n.address):ask "again")
  end)

  it("stay while a flow has them", function()
    local server = udp.named "a"
    local n, before = crowd(server, "timeouts = { udp = 4 },")
    local pid = n:workers()[1]
    local c, from = udp.client(n.address), nil
    eventually(function()
      c:ask "kept"
      return count_files(pid) <= before + 1
    end, 30)
    for _, d in ipairs(server:received()) do
      from = from or d.bytes == "kept" and d.from
      if d.bytes == "kept" then assert.equal(from, d.from) end
    end
  end)

  it("are whole though some are closed beside one that a flow has", function()
    local n = udp.start({ udp.named "a" }, "timeouts = { udp = 0.5 },")
    local pid, clients = n:workers()[1], {}
    local before = count_files(pid)
    for i = 1, 3 do
      clients[i] = udp.client(n.address)
      clients[i]:ask "x"
    end
    for _ = 1, 2 do
      local busy = clients[#clients]
      eventually(function()
        busy:ask "busy"
        return count_files(pid) <= before + 1
      end, 30)
      table.insert(clients, udp.client(n.address))
      clients[#clients]:ask "x"
    end
    eventually(function() return count_files(pid) <= before end, 30)
    assert.equal("a: again", udp.client(n.address):ask "again")
    assert.equal(pid, n:workers()[1])
  end)

  it("that idle are not handed on at a reload", function()
    local n, before = crowd(udp.named "a", "responses = 1,")
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 10)
    local c = udp.client(n.address)
    assert.equal("a: x", c:ask "x")
    assert.is_true(count_files(n:workers()[1]) < before + LEAST / 2)
  end)
end)
