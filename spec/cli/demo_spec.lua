local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local process = require "support.process"

-- Five ports in a row that nobody listens on, as far as one can know.
local function free_ports()
  for _ = 1, 50 do
    local first, is_free = math.random(20000, 30000), true
    for port = first, first + 4 do
      local fd = net.connect("127.0.0.1:" .. port, 0.2)
      if fd then net.close(fd) end
      is_free = is_free and not fd
    end
    if is_free then return first end
  end
  error "no free ports"
end

local function start(port, wrapped)
  local address = "127.0.0.1:" .. port
  local argv = { neap.binary, "demo", "-l", address }
  if wrapped then argv = { "script", "-qefc", table.concat(argv, " "), "/dev/null" } end
  local p = process.spawn { argv = argv, name = "demo" }
  eventually(function()
    assert(p:alive(), p:log())
    return p:stdout():find "Ctrl%-C ends everything"
  end, 15)
  return p, address
end

local function pid_of(p, name)
  return tonumber(p:stdout():match(name .. " on port %d+, pid (%d+)"))
end

describe("neap demo", function()
  it("shows a backend that is killed and comes back, and no request fails", function()
    local port = free_ports()
    local p, address = start(port)
    local seen = {}
    for _ = 1, 8 do
      local name = client.get(address).body:match "%w+"
      seen[name] = (seen[name] or 0) + 1
    end
    assert.same({ web1 = 2, web2 = 2, web3 = 2, web4 = 2 }, seen)
    process.signal(pid_of(p, "web2"), "TERM")
    eventually(function() return net.connect("127.0.0.1:" .. port + 2, 0.2) == nil end)
    for _ = 1, 8 do
      local response = client.get(address)
      assert.equal(200, response.status)
      assert.not_matches("web2", response.body)
    end
    eventually(function() return p:stdout():find "web2 down" end, 3)
    local again = process.spawn {
      argv = { neap.binary, "demo", "-l", address, "--backend", "web2" },
    }
    eventually(function() return client.get(address).body:find "web2" end, 8)
    for _, pid in ipairs { again.pid, pid_of(p, "web1") } do
      local _, _, stderr = neap.run { "reload", "--pid", pid }
      assert.matches("is no neap that can be asked", stderr) -- toys do not stand in the way
    end
    again:kill()
    assert.equal(0, again:wait())
    p:kill "INT"
    assert.equal(0, p:wait())
  end)

  it("ends all its processes with it", function()
    local p = start(free_ports())
    local below = process.tree(p.pid)
    assert.is_true(#below >= 4 * 3 + 2)
    p:kill "KILL"
    eventually(function()
      for _, pid in ipairs(below) do assert.is_false(process.exists(pid)) end
    end, 2)
  end)

  it("says which port is taken", function()
    local port = free_ports()
    net.listen("127.0.0.1:" .. port + 3)
    local code, _, stderr = neap.run { "demo", "-l", "127.0.0.1:" .. port }
    assert.equal(1, code)
    local reason = "[^\n]*:" .. port + 3 .. "[^\n]*in use[^\n]*\n$"
    assert.matches("^neap: demo: web3 did not start: " .. reason, stderr)
  end)

  it("draws a live table on a terminal", function()
    local p, address = start(free_ports(), true)
    for _ = 1, 4 do client.get(address) end
    eventually(function() return p:stdout():find "\27%[%d+A  backend" end)
    local row = "web1%s+\27%[32mup%s+\27%[0m%s+%d+%s+1%s+0"
    eventually(function() return p:stdout():find(row) end)
  end)
end)
