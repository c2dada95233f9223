local ffi = require "ffi"
local fcntl = require "posix.fcntl"
local poll = require "posix.poll"
local socket = require "posix.sys.socket"
local stdlib = require "posix.stdlib"
local unistd = require "posix.unistd"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

ffi.cdef "int bind(int fd, const void *address, unsigned length);"

-- As lua-posix cannot: the name ends where it ends.
local function bind_abstract(fd, name)
  local address = ffi.new("struct { uint16_t family; char path[108]; }", socket.AF_UNIX)
  ffi.copy(address.path + 1, name)
  assert(ffi.C.bind(fd, address, 3 + #name) == 0)
end

local Manager = {}
Manager.__index = Manager

-- What systemd is to a service: a datagram socket that hears what it says.
local function manager(path)
  local fd = assert(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0))
  if path:find "^@" then
    bind_abstract(fd, path:sub(2))
  else
    assert(socket.bind(fd, { family = socket.AF_UNIX, path = path }))
  end
  fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
  return scope.add(setmetatable({ fd = fd, said = "" }, Manager))
end

function Manager:dispose() unistd.close(self.fd) end

function Manager:wait(pattern)
  return eventually(function()
    while (poll.rpoll(self.fd, 0) or 0) > 0 do
      self.said = self.said .. socket.recv(self.fd, 4096) .. "\n\n"
    end
    return self.said:match(pattern)
  end, 10, "the message " .. pattern)
end

function Manager:forget() self.said = "" end

local function start(m_path, more, env)
  env = env or {}
  env.NOTIFY_SOCKET = m_path
  return neap.start { config = neap.config({ origin.start {} }, more), env = env,
    allow = { "reload" } }
end

describe("a service manager", function()
  it("is told that it serves, reloads, failed to, and stops", function()
    local path = scope.directory() .. "/notify"
    local m = manager(path)
    local n = start(path)
    m:wait "READY=1\nSTATUS=generation 1 serves, 1 worker\n"
    n:signal "HUP"
    m:wait "RELOADING=1\nMONOTONIC_USEC=%d+\nSTATUS=[^\n]+\n.*READY=1\nSTATUS=generation 2 serves"
    scope.write(n.dir .. "/config.lua", "return {")
    m:forget()
    n:signal "HUP"
    m:wait "RELOADING=1.*READY=1\nSTATUS=generation 2 serves, 1 worker; reload failed: .*config"
    n:signal "QUIT"
    m:wait "STOPPING=1\nSTATUS=draining"
    assert.equal(0, n:wait(5))
  end)

  it("may have an abstract address", function()
    local name = "@neap-spec-" .. unistd.getpid()
    local m = manager(name)
    start(name)
    m:wait "READY=1\n"
  end)

  it("is told of life as often as it asks", function()
    local path = scope.directory() .. "/notify"
    local m = manager(path)
    start(path, "", { WATCHDOG_USEC = "1000000" })
    m:wait "WATCHDOG=1.*WATCHDOG=1"
  end)

  it("is told of the process that took over, which goes on telling", function()
    local path = scope.directory() .. "/notify"
    local m = manager(path)
    local n = neap.start {
      config = neap.config { origin.start {} }, env = { NOTIFY_SOCKET = path }, args = {},
    }
    m:wait "READY=1"
    m:forget()
    n:signal "USR2"
    local pid = tonumber((m:wait "MAINPID=(%d+)"))
    m:wait "MAINPID=%d+\n.*READY=1\nSTATUS=generation 2 serves"
    assert.equal(0, n:wait(5))
    process.signal(pid, "TERM")
    m:wait "STOPPING=1"
    eventually(function() return not process.exists(pid) end)
  end)
end)

-- Runs neap with these descriptors from 3 on, as systemd does.
local function activate(n_dir, fds)
  local script = scope.directory() .. "/activate"
  local count = #fds
  return process.fork(function()
    local moved = {}
    for i, fd in ipairs(fds) do moved[i] = fcntl.fcntl(fd, fcntl.F_DUPFD, 100) end
    for i, fd in ipairs(moved) do unistd.dup2(fd, 2 + i) end
    stdlib.setenv("LISTEN_PID", tostring(unistd.getpid()))
    stdlib.setenv("LISTEN_FDS", tostring(count))
    unistd.exec(neap.binary, { [0] = neap.binary, "-c", n_dir .. "/config.lua" })
  end, { keep = fds, output = script })
end

describe("socket activation", function()
  it("takes the sockets whose addresses the config names, and keeps them over reloads", function()
    local dir = scope.directory()
    local fd, address = net.listen "127.0.0.1:0"
    local log = ('log = { target = "%s/neap.log" }, '):format(dir)
    local web = origin.start {}
    local more = ('listen = %q, workers = %d'):format(address, 2)
    scope.write(dir .. "/config.lua", neap.config({ web }, log .. more))
    local waiting = client.connect(address)
    waiting:send "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    local pid = activate(dir, { fd })
    net.close(fd)
    assert.equal(200, waiting:read_response().status)
    scope.write(dir .. "/config.lua",
      neap.config({ web }, log .. ('listen = %q, workers = 4'):format(address)))
    process.signal(pid, "HUP")
    eventually(function() return scope.read(dir .. "/neap.log"):find "generation 2 serves" end)
    for _ = 1, 8 do assert.equal(200, client.get(address).status) end
    process.signal(pid, "TERM")
    eventually(function() return not process.exists(pid) end)
    process.forget(pid)
  end)
end)
