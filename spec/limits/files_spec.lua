local unistd = require "posix.unistd"
local client = require "support.client"
local cpu = require "support.cpu"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local is_root = unistd.geteuid() == 0
local SPINNING = 0.3 -- of a CPU; a loop that spins uses all of one

-- Without the right to more than so many files; as root, by becoming nobody.
local function start_with(files, more)
  local dir = scope.directory()
  scope.write(dir .. "/config.lua", proxied.config({ origin.start {} }, more))
  local argv = { "prlimit", "--nofile=" .. files, neap.open_binary(), "-c", "config.lua" }
  if is_root then
    local nobody = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups" }
    for index, word in ipairs(nobody) do table.insert(argv, index, word) end
  end
  local p = process.spawn { argv = argv, cwd = dir }
  return p, eventually(function() return p:stderr():match "ready: http (%S+);" end)
end

local function worker_of(p)
  for _, pid in ipairs(process.children(p.pid)) do
    if process.name(pid):find "worker" then return pid end
  end
end

local function connect_many(address, count)
  local list = {}
  for index = 1, count do list[index] = client.connect(address) end
  return list
end

local function close_all(list)
  for _, c in ipairs(list) do c:close() end
end

describe("an agent short of files", function()
  it("goes on checking, whoever holds connections to the admin side", function()
    local p, address = start_with("64:64", [[admin = { listen = "127.0.0.1:0" },
      log = { checks = "all" },
      health = { type = "tcp", interval = 0.2, timeout = 2 }]])
    local admin = p:stderr():match "admin (%S+)"
    local held = connect_many(admin, 100)
    for _, c in ipairs(held) do c:send "GET /sta" end
    local function ok_lines() return select(2, p:stderr():gsub("checked ok", "")) end
    local before = ok_lines()
    eventually(function() return ok_lines() > before + 5 end)
    assert.equal(200, client.get(address, "/").status)
    assert.not_matches("checked dead", p:stderr())
    assert.not_matches("cannot accept", p:stderr())
    close_all(held)
    p:kill()
  end)
end)

describe("a worker short of files", function()
  it("with 64 of them serves whom it can, turns the others away, and then serves again", function()
    local p, address = start_with "64:64"
    local worker = worker_of(p)
    local held, served, refused = connect_many(address, 100), 0, 0
    for _, c in ipairs(held) do
      local response = c:request("GET", "/")
      if response and response.status == 200 then served = served + 1 end
      if response and response.status == 503 then refused = refused + 1 end
    end
    assert.is_true(served >= 20, served .. " served")
    assert.equal(100, served + refused)
    assert.is_true(cpu.share(worker) < SPINNING)
    assert.equal(200, held[1]:request("GET", "/").status)
    close_all(held)
    eventually(function() return client.get(address, "/").status == 200 end)
    assert.not_matches(" error ", p:stderr())
    p:kill()
    assert.equal(0, p:wait())
  end)

  it("pauses accepting when there are none left, says so, and does not spin", function()
    if not is_root then return pending "needs root" end
    -- A request that finds no descriptor for its backend waits for one, within timeouts.connect.
    local n = proxied.start({}, "limits = { connections = 100 }, timeouts = { connect = 1 }")
    n:allow "cannot accept connections"
    n:allow "out of file descriptors"
    assert.equal(200, n:get("/").status)
    local worker = n:workers()[1]
    local most = proxied.count_fds(n) + 6
    assert.equal(0, (process.run {
      argv = { "prlimit", "--pid", tostring(worker), "--nofile=" .. most .. ":" .. most },
    }))
    local held = connect_many(n.address, 12)
    for _, c in ipairs(held) do c:send "GET / HTTP/1.1\r\nHost: a\r\n" end
    n:wait_log "error cannot accept connections: .+; trying again every 100 ms"
    assert.is_true(cpu.share(worker) < SPINNING)
    assert.is_true(n:count_log "cannot accept" <= 3)
    for _, c in ipairs(held) do c:send "Connection: close\r\n\r\n" end
    for _, c in ipairs(held) do assert.is_truthy(c:read_response()) end
    eventually(function() return n:get("/").status == 200 end)
  end)
end)
