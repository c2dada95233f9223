-- Datagrams: backends of the spec, clients, and the balancer with a udp service before them.
--
--   udp.server(reply, { address = "127.0.0.1", port = 0 }) → s
--       A process that answers each datagram with what reply(bytes, count) returns: a text, a list
--       of texts, or nil for nothing. count: of the datagrams so far.
--   s.address, s.port;  s:received() → the datagrams so far, { from =, bytes = } each;  s:stop()
--   udp.named(name) → such a server that answers `name: bytes`
--   udp.client(address or port, { from = "127.0.0.1" }) → c
--   c:send(bytes);  c:receive(seconds = 5) → bytes, or nil;  c:ask(bytes) → sends and receives;
--   c:is_silent(seconds = 0.2);  c.port
--   udp.config(backends, more) → config text;  udp.start(backends, more, allow) → n
--       backends: servers, addresses or ports

local poll = require "posix.poll"
local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"
local eventually = require "support.eventually"
local neap = require "support.neap"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local udp = {}
local MOST = 65536

local function open(address, port)
  local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0))
  assert(socket.bind(fd, { family = socket.AF_INET, addr = address, port = port }))
  return fd, assert(socket.getsockname(fd)).port
end

local Server = {}
Server.__index = Server

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function serve(fd, path, reply)
  local count = 0
  while true do
    local bytes, from = socket.recvfrom(fd, MOST)
    if bytes then
      count = count + 1
      local file = io.open(path, "a")
      file:write(("%s:%d %s\n"):format(from.addr, from.port, hex(bytes)))
      file:close()
      local answers = reply(bytes, count)
      if type(answers) == "string" then answers = { answers } end
      for _, answer in ipairs(answers or {}) do socket.sendto(fd, answer, from) end
    end
  end
end

function udp.server(reply, options)
  options = options or {}
  local address = options.address or "127.0.0.1"
  local fd, port = open(address, options.port or 0)
  local self = setmetatable({ port = port, address = ("%s:%d"):format(address, port),
    path = scope.directory() .. "/datagrams" }, Server)
  scope.write(self.path, "")
  self.pid = process.fork(function() serve(fd, self.path, reply) end, { keep = { fd } })
  unistd.close(fd)
  return self
end

function Server:received()
  local list = {}
  for from, text in scope.read(self.path):gmatch "(%S+) (%x*)\n" do
    local bytes = text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)
    table.insert(list, { from = from, bytes = bytes })
  end
  return list
end

function Server:stop()
  process.signal(self.pid, "KILL")
  eventually(function() return not process.exists(self.pid) end)
  process.forget(self.pid)
end

function udp.named(name)
  return udp.server(function(bytes) return name .. ": " .. bytes end)
end

local Client = {}
Client.__index = Client

function udp.client(address, options)
  if type(address) == "number" then address = "127.0.0.1:" .. address end
  local host, port = address:match "^(.*):(%d+)$"
  local fd, own = open(options and options.from or "127.0.0.1", options and options.port or 0)
  local to = { family = socket.AF_INET, addr = host, port = tonumber(port) }
  local self = setmetatable({ fd = fd, port = own, to = to }, Client)
  scope.add { dispose = function() self:close() end }
  return self
end

function Client:close()
  if self.fd then unistd.close(self.fd) end
  self.fd = nil
end

function Client:send(bytes) assert(socket.sendto(self.fd, bytes, self.to)) end

-- Of whoever sent it: from is { addr, port }.
function Client:receive_from(seconds)
  local list = { [self.fd] = { events = { IN = true } } }
  if poll.poll(list, (seconds or 5) * 1000 * eventually.slowness) ~= 1 then return nil end
  return socket.recvfrom(self.fd, MOST)
end

function Client:receive(seconds)
  local bytes, from = self:receive_from(seconds)
  if bytes then
    assert(from.addr == self.to.addr and from.port == self.to.port, "an answer of somebody else")
  end
  return bytes
end

function Client:ask(bytes)
  self:send(bytes)
  return self:receive()
end

function Client:is_silent(seconds) return self:receive_from(seconds or 0.2) == nil end

local function url_of(backend)
  local address = type(backend) == "table" and backend.address or backend
  if type(address) == "number" then address = "127.0.0.1:" .. address end
  return "udp://" .. address
end

function udp.config(backends, more)
  local urls = {}
  for i, backend in ipairs(backends) do urls[i] = url_of(backend) end
  return proxied.config(urls, 'mode = "udp",\n' .. (more or ""))
end

function udp.start(backends, more, allow)
  return neap.start { config = udp.config(backends, more), allow = allow }
end

return udp
