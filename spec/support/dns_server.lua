-- A DNS server that knows one name: its A records are the addresses in a file. On port 53, so it
-- needs root; clients find it through a resolv.conf of their own.
--
--   dns_server.start(name, { ttl = 1, v6 = "empty", "silent" or "fails" }) → s
--       v6: what it answers about IPv6: that there is none, nothing, SERVFAIL
--   s:set { "127.0.0.2", … };  s.resolv_conf → path;  s.nameserver → its line there
--   dns_server.dead("silent" or "refuses") → the line of one that swallows what it is asked, or of
--       one that is not there

local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"
local process = require "support.process"
local scope = require "support.scope"

local dns_server = {}
local Server = {}
Server.__index = Server

local count = 0

-- Of this process, each another one: others may run the same specs beside it.
local function new_address()
  local pid = unistd.getpid()
  count = count + 1
  return ("127.%d.%d.%d"):format(53 + count % 100, pid / 250 % 250, pid % 250 + 1)
end

local A, AAAA, HEADER = 1, 28, 12

local function wire_name(name)
  return (name:gsub("([^.]+)%.?", function(label) return string.char(#label) .. label end)) .. "\0"
end

local function record(address, ttl)
  local bytes = { address:match "(%d+)%.(%d+)%.(%d+)%.(%d+)" }
  return "\192\12" .. "\0\1\0\1" .. "\0\0\0" .. string.char(ttl) .. "\0\4"
    .. string.char(unpack(bytes))
end

local function failure(question, code)
  return question:sub(1, 2) .. "\129" .. string.char(128 + code) .. question:sub(5, 6)
    .. ("\0"):rep(6) .. question:sub(HEADER + 1)
end

-- The question is sent back with the records behind it; no such name is an error (3).
local function answer(question, name, path, options)
  local asked = question:sub(HEADER + 1, HEADER + #name)
  local kind = question:byte(HEADER + #name + 2)
  local ask = question:sub(HEADER + 1, HEADER + #name + 4)
  if asked:lower() ~= name then return failure(question, 3) end
  if kind == AAAA and options.v6 == "silent" then return nil end
  if kind == AAAA and options.v6 == "fails" then return failure(question, 2) end
  local records = {}
  for address in scope.read(path):gmatch "%S+" do
    if kind == A then table.insert(records, record(address, options.ttl or 1)) end
  end
  return question:sub(1, 2) .. "\129\128\0\1\0" .. string.char(#records) .. "\0\0\0\0" .. ask
    .. table.concat(records)
end

function dns_server.start(name, options)
  local dir, address = scope.directory(), new_address()
  local self = setmetatable({ path = dir .. "/addresses", resolv_conf = dir .. "/resolv.conf" },
    Server)
  self:set {}
  self.nameserver = "nameserver " .. address .. "\n"
  scope.write(self.resolv_conf, self.nameserver)
  local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0))
  assert(socket.bind(fd, { family = socket.AF_INET, addr = address, port = 53 }))
  local wire = wire_name(name)
  process.fork(function()
    while true do
      local question, from = socket.recvfrom(fd, 512)
      local reply = question and answer(question, wire, self.path, options or {})
      if reply then socket.sendto(fd, reply, from) end
    end
  end, { keep = { fd } })
  unistd.close(fd)
  return self
end

function dns_server.dead(kind)
  local address = new_address()
  if kind == "silent" then
    local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0))
    assert(socket.bind(fd, { family = socket.AF_INET, addr = address, port = 53 }))
    scope.add { dispose = function() unistd.close(fd) end }
  end
  return "nameserver " .. address .. "\n"
end

function Server:set(addresses) scope.write(self.path, table.concat(addresses, "\n") .. "\n") end

return dns_server
