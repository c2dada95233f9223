-- Sockets of the specs: addresses and the calls that take them.
--
--   An address is a port number (127.0.0.1), "127.0.0.1:80", "[::1]:80" or "unix:/path".
--
--   net.listen(address, backlog = 128) → fd, address as bound, port (nil for unix)
--   net.connect(address, seconds = 5, from = nil) → fd, or nil, reason; from: an IP of our own
--   net.accept(fd) → fd or nil;  net.close(fd);  net.reset(fd): close with an RST
--   net.receive(fd, n) → bytes ("" at the end), or nil, "again" or reason
--   net.send(fd, bytes) → count, or nil, "again" or reason
--   net.wait(fd, "IN" or "OUT", seconds) → boolean
--   net.finish(fd): no more bytes from us
--   net.refused() → address where connecting is refused, reserved while the spec runs; port
--   net.silent() → address where connecting never ends (a full backlog); port

local ffi = require "ffi"
local errno = require "posix.errno"
local fcntl = require "posix.fcntl"
local poll = require "posix.poll"
local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"
local eventually = require "support.eventually"
local scope = require "support.scope"

-- lua-posix passes these two an uninitialised length and answers nonsense now and then.
ffi.cdef [[
int getsockname(int fd, unsigned char *address, unsigned *length);
int accept4(int fd, void *address, unsigned *length, int flags);
]]
local ACCEPT_FLAGS = bit.bor(fcntl.O_NONBLOCK, fcntl.O_CLOEXEC)

local net = {}

local function parse(address)
  if type(address) == "number" then address = "127.0.0.1:" .. address end
  local path = address:match "^unix:(.+)$"
  if path then return { family = socket.AF_UNIX, path = path } end
  local host, port = address:match "^%[(.+)%]:(%d+)$"
  if host then return { family = socket.AF_INET6, addr = host, port = tonumber(port) } end
  host, port = address:match "^([%d.]+):(%d+)$"
  assert(host, "not an address: " .. address)
  return { family = socket.AF_INET, addr = host, port = tonumber(port) }
end

local function format(target)
  if target.family == socket.AF_UNIX then return "unix:" .. target.path end
  local form = target.family == socket.AF_INET6 and "[%s]:%d" or "%s:%d"
  return form:format(target.addr, target.port), target.port
end

local function set_nonblocking(fd)
  fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
  fcntl.fcntl(fd, fcntl.F_SETFL, bit.bor(fcntl.fcntl(fd, fcntl.F_GETFL), fcntl.O_NONBLOCK))
  return fd
end

-- Nagle would hold back the pieces that a spec sends one by one.
local function set_nodelay(fd, family)
  if family ~= socket.AF_UNIX then
    socket.setsockopt(fd, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
  end
end

local function open(target)
  return set_nonblocking(assert(socket.socket(target.family, socket.SOCK_STREAM, 0)))
end

local function bound_port(fd)
  local name, length = ffi.new "unsigned char[128]", ffi.new("unsigned[1]", 128)
  assert(ffi.C.getsockname(fd, name, length) == 0)
  return name[2] * 256 + name[3]
end

local function bind(address)
  local target = parse(address)
  local fd = open(target)
  if target.path then
    unistd.unlink(target.path)
  else
    socket.setsockopt(fd, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
  end
  local ok, err = socket.bind(fd, target)
  if not ok then
    unistd.close(fd)
    error(("bind %s: %s"):format(address, err), 3)
  end
  if not target.path then target.port = bound_port(fd) end
  return fd, format(target)
end

function net.listen(address, backlog)
  local fd, bound, port = bind(address)
  assert(socket.listen(fd, backlog or 128))
  return fd, bound, port
end

local REASONS = {
  [errno.EAGAIN] = "again",
  [errno.EINPROGRESS] = "again",
  [errno.EALREADY] = "again",
  [errno.EINTR] = "again",
  [errno.ECONNRESET] = "reset",
  [errno.EPIPE] = "reset",
  [errno.ECONNREFUSED] = "refused",
}

local function reason(err, code) return REASONS[code] or err end

-- A poll that a signal cut short starts again with what is left of the time.
function net.wait(fd, event, seconds)
  local deadline = eventually.now() + seconds
  while true do
    local left = math.max(0, deadline - eventually.now())
    local count, _, code = poll.poll({ [fd] = { events = { [event] = true } } },
      math.ceil(left * 1000))
    if count and count > 0 then return true end
    if count == 0 or code ~= errno.EINTR then return false end
  end
end

-- The outcome of a connect that was in progress: connecting again tells it.
local function connected(fd, target)
  local ok, err, code = socket.connect(fd, target)
  if ok or code == errno.EISCONN then return true end
  return nil, reason(err, code)
end

function net.connect(address, seconds, from)
  local target = parse(address)
  local fd = open(target)
  if from then assert(socket.bind(fd, parse(from .. ":0"))) end
  local ok, why = connected(fd, target)
  if not ok and why == "again" then
    ok, why = nil, "timeout"
    if net.wait(fd, "OUT", (seconds or 15) * eventually.slowness) then
      ok, why = connected(fd, target)
    end
  end
  if not ok then
    unistd.close(fd)
    return nil, why
  end
  set_nodelay(fd, target.family)
  return fd
end

function net.accept(fd)
  local accepted = ffi.C.accept4(fd, nil, nil, ACCEPT_FLAGS)
  if accepted < 0 then return nil, reason("accept", ffi.errno()) end
  set_nodelay(accepted) -- no harm on a unix socket
  return accepted
end

function net.receive(fd, count)
  local data, err, code = socket.recv(fd, count)
  if data then return data end
  return nil, reason(err, code)
end

function net.send(fd, bytes)
  local count, err, code = socket.send(fd, bytes)
  if count then return count end
  return nil, reason(err, code)
end

function net.close(fd) unistd.close(fd) end

function net.finish(fd) socket.shutdown(fd, socket.SHUT_WR) end

function net.reset(fd)
  socket.setsockopt(fd, socket.SOL_SOCKET, socket.SO_LINGER, 1, 0)
  unistd.close(fd)
end

local Reserved = {}
Reserved.__index = Reserved

function Reserved:dispose()
  for _, fd in ipairs(self) do unistd.close(fd) end
end

-- Bound but not listening: the kernel refuses, and gives the port to nobody else.
function net.refused()
  local fd, bound, port = bind "127.0.0.1:0"
  scope.add(setmetatable({ fd }, Reserved))
  return bound, port
end

-- A listener whose accept queue is full drops further connection requests.
function net.silent(address)
  local listener, bound, port = net.listen(address or "127.0.0.1:0", 0)
  local reserved = { listener }
  for _ = 1, 3 do
    local target = parse(bound)
    local fd = open(target)
    socket.connect(fd, target)
    table.insert(reserved, fd)
  end
  scope.add(setmetatable(reserved, Reserved))
  return bound, port
end

return net
