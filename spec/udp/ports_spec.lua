local eventually = require "support.eventually"
local lfs = require "lfs"
local udp = require "support.udp"

local CLIENTS = 40

local function count_files(pid)
  local n = 0
  for _ in lfs.dir(("/proc/%d/fd"):format(pid)) do n = n + 1 end
  return n
end

-- A balancer, and how many files its worker had before and while many clients had flows.
local function crowd(more)
  local n = udp.start({ udp.named "a" }, more .. 'log = { target = "stderr", level = "info" },')
  local before = count_files(n:workers()[1])
  for i = 1, CLIENTS do udp.client(n.address):ask(tostring(i)) end
  local with = count_files(n:workers()[1])
  assert.is_true(with >= before + CLIENTS)
  return n, before
end

describe("the ports to backends", function()
  it("are closed when no flow has needed them for a while", function()
    local n, before = crowd "timeouts = { udp = 0.3 },"
    local pid = n:workers()[1]
    eventually(function() return count_files(pid) <= before end, 30)
    assert.equal("a: again", udp.client(n.address):ask "again")
  end)

  it("stay while a flow has them", function()
    local n, before = crowd "timeouts = { udp = 0.3 }, responses = 2,"
    local pid = n:workers()[1]
    local c = udp.client(n.address)
    local first
    eventually(function()
      c:ask "x"
      first = first or count_files(pid)
      return count_files(pid) <= before + 1
    end, 30)
    assert.equal("a: x", c:ask "x")
  end)

  it("that idle are not handed on at a reload", function()
    local n, before = crowd "responses = 1,"
    local kept = udp.client(n.address)
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 10)
    assert.equal("a: x", kept:ask "x")
    assert.is_true(count_files(n:workers()[1]) < before + CLIENTS / 2)
  end)
end)
