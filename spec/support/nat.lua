-- A NAT for datagrams of one client that gives it another port in the midst of things.
--
--   nat.start(address, { after = n }) → { address = }
--       What is sent there goes on to `address`; after n datagrams of the client from another
--       port. What still comes to the port before is lost, as with a mapping that is gone.

local poll = require "posix.poll"
local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"
local process = require "support.process"

local nat = {}
local MOST = 65536

local function open()
  local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 0))
  assert(socket.bind(fd, { family = socket.AF_INET, addr = "127.0.0.1", port = 0 }))
  return fd
end

local function run(inside, to, after)
  local outside, client, count = open(), nil, 0
  while true do
    local list = { [inside] = { events = { IN = true } }, [outside] = { events = { IN = true } } }
    poll.poll(list, -1)
    if list[inside].revents.IN then
      local bytes, from = socket.recvfrom(inside, MOST)
      client, count = from, count + 1
      if count == after then
        unistd.close(outside)
        outside = open()
      end
      if bytes then socket.sendto(outside, bytes, to) end
    elseif list[outside].revents.IN then
      local bytes = socket.recvfrom(outside, MOST)
      if bytes and client then socket.sendto(inside, bytes, client) end
    end
  end
end

function nat.start(address, options)
  local host, port = address:match "^(.*):(%d+)$"
  local to = { family = socket.AF_INET, addr = host, port = tonumber(port) }
  local inside = open()
  local own = assert(socket.getsockname(inside)).port
  process.fork(function() run(inside, to, options.after) end, { keep = { inside } })
  unistd.close(inside)
  return { address = "127.0.0.1:" .. own }
end

return nat
