-- Two balancers, one address that keepalived moves, and a client that asks all the time.
local eventually = require "support.eventually"
local lan = require "support.lan"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"
local steady_client = require "support.steady_client"

local VIP = "10.9.0.100"

-- → l, two balancers by their machine's name
local function edge()
  local l = lan.start { a = "10.9.0.1", b = "10.9.0.2", c = "10.9.0.3", o = "10.9.0.4" }
  local backends = l:inside("o", origin.several, 2, { address = "10.9.0.4:0" })
  local by_name = {}
  for name, priority in pairs { a = 150, b = 100 } do
    local admin = scope.directory() .. "/admin.sock"
    local n = l:inside(name, neap.start, { config = ([[return {
      listen = "0.0.0.0:80", workers = 2, admin = { listen = "unix:%s" },
      backends = { "%s", "%s" }, health = { type = "tcp", interval = 1 },
      timeouts = { notice = 3, drain = 5 },
    }]]):format(admin, backends[1].url, backends[2].url) })
    l:keepalived(name, VIP, priority, admin)
    by_name[name] = n
  end
  eventually(function() return l:has("a", VIP) and not l:has("b", VIP) end, 20, "a master")
  return l, by_name
end

local function served_by(l, machine, done)
  eventually(function() return l:has(machine, VIP) end, 20, "the address at " .. machine)
  done:go_on(50)
end

-- Everything of neap on that machine, the master first: it would replace the others.
local function signal_all(n, name)
  local pids = process.tree(n.pid)
  table.insert(pids, 1, n.pid)
  for _, pid in ipairs(pids) do process.signal(pid, name) end
end

local function report(what, counts)
  if not os.getenv "NEAP_SPEC_FIGURES" then return end
  io.stderr:write(("%s: %d good, %d failed, %d repeated, the slowest %.2f s\n"):format(what,
    counts.good, counts.failed, counts.repeated, counts.longest))
end

local describe_able = lan.is_able and describe or pending

describe_able("an address that moves", function()
  local l, by_name, asking

  before_each(function()
    l, by_name = edge()
    asking = l:inside("c", steady_client.start, VIP .. ":80")
    asking:go_on(50)
  end)

  local function finish(what)
    local counts = asking:finish()
    report(what, counts)
    assert.equal(0, counts.failed)
    return counts
  end

  it("goes when neap is killed, and comes back with it", function()
    signal_all(by_name.a, "KILL")
    served_by(l, "b", asking)
    finish "killed"
  end)

  it("goes when neap is frozen", function()
    signal_all(by_name.a, "STOP")
    served_by(l, "b", asking)
    signal_all(by_name.a, "CONT")
    served_by(l, "a", asking)
    finish "frozen, and thawed"
  end)

  it("goes with its machine's cable, and comes back with it", function()
    l:cut "a"
    eventually(function() return l:has("b", VIP) end, 20, "the address at b")
    asking:go_on(50)
    l:join "a"
    eventually(function() return l:has("a", VIP) and not l:has("b", VIP) end, 20, "the way back")
    asking:go_on(50)
    finish "cut off, and joined"
  end)

  it("goes before a drain begins: nobody is refused", function()
    by_name.a:signal "QUIT"
    served_by(l, "b", asking)
    assert.is_true(by_name.a:alive(), "the notice is over before the address moved")
    assert.equal(0, by_name.a:wait(12))
    asking:go_on(50)
    local counts = finish "drained"
    -- The address takes its open connections with it: one client has one of them.
    assert.is_true(counts.repeated <= 2, ("%d repeated"):format(counts.repeated))
  end)

  it("stays over reloads: not one request is repeated", function()
    for generation = 2, 4 do
      by_name.a:signal "HUP"
      by_name.a:wait_log(("generation %d"):format(generation))
      asking:go_on(50)
    end
    assert.is_true(l:has("a", VIP))
    assert.equal(0, finish("reloaded").repeated)
  end)
end)
