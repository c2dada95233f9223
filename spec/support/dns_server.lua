-- A DNS server that knows one name: its A records are the addresses in a file, with a TTL of one
-- second. On port 53, so it needs root; clients find it through a resolv.conf of their own.
--
--   dns_server.start(name) → s    s:set { "127.0.0.2", … };  s.resolv_conf → path

local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"
local process = require "support.process"
local scope = require "support.scope"

local dns_server = {}
local Server = {}
Server.__index = Server

-- Of this process: others may run the same specs beside it.
local ADDRESS = ("127.53.%d.%d"):format(unistd.getpid() / 250 % 250, unistd.getpid() % 250 + 1)
local A, HEADER = 1, 12

local function wire_name(name)
  return (name:gsub("([^.]+)%.?", function(label) return string.char(#label) .. label end)) .. "\0"
end

local function record(address)
  local bytes = { address:match "(%d+)%.(%d+)%.(%d+)%.(%d+)" }
  return "\192\12" .. "\0\1\0\1" .. "\0\0\0\1" .. "\0\4"
    .. string.char(unpack(bytes))
end

-- The question is sent back with the records behind it; no such name is an error (3).
local function answer(question, name, path)
  local asked = question:sub(HEADER + 1, HEADER + #name)
  local kind = question:byte(HEADER + #name + 2)
  local ask = question:sub(HEADER + 1, HEADER + #name + 4)
  if asked:lower() ~= name then
    return question:sub(1, 2) .. "\129\131" .. question:sub(5, 6) .. ("\0"):rep(6)
      .. question:sub(HEADER + 1)
  end
  local records = {}
  for address in scope.read(path):gmatch "%S+" do
    if kind == A then table.insert(records, record(address)) end
  end
  return question:sub(1, 2) .. "\129\128\0\1\0" .. string.char(#records) .. "\0\0\0\0" .. ask
    .. table.concat(records)
end

function dns_server.start(name)
  local dir = scope.directory()
  local self = setmetatable({ path = dir .. "/addresses", resolv_conf = dir .. "/resolv.conf" },
    Server)
  self:set {}
  scope.write(self.resolv_conf, "nameserver " .. ADDRESS .. "\n")
  local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0))
  assert(socket.bind(fd, { family = socket.AF_INET, addr = ADDRESS, port = 53 }))
  local wire = wire_name(name)
  process.fork(function()
    while true do
      local question, from = socket.recvfrom(fd, 512)
      if question then socket.sendto(fd, answer(question, wire, self.path), from) end
    end
  end, { keep = { fd } })
  unistd.close(fd)
  return self
end

function Server:set(addresses) scope.write(self.path, table.concat(addresses, "\n") .. "\n") end

return dns_server
