-- Answers ICMP echoes in place of the kernel (echo_ignore_all), over a raw socket. A program:
--
--   luajit spec/support/ponger.lua KIND
--       right     as it should be
--       nonce     another last byte of the payload
--       short     without that byte
--       sequence  of a ping that was never sent
--       id        of another pinger
--       address   from 127.0.0.3, whoever was asked
--       request   another echo request, with the same bytes

local bit = require "bit"
local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"

local KIND = arg[1]
local ECHO, REPLY = 8, 0

local function checksum(bytes)
  local sum = 0
  if #bytes % 2 == 1 then bytes = bytes .. "\0" end
  for i = 1, #bytes, 2 do sum = sum + bytes:byte(i) * 256 + bytes:byte(i + 1) end
  while sum > 65535 do sum = sum % 65536 + math.floor(sum / 65536) end
  return bit.bxor(sum, 65535)
end

local function message(kind, rest)
  local sum = checksum(string.char(kind, 0, 0, 0) .. rest)
  return string.char(kind, 0, math.floor(sum / 256), sum % 256) .. rest
end

local changes = {
  right = function(rest) return rest end,
  address = function(rest) return rest end,
  request = function(rest) return rest end,
  nonce = function(rest)
    return rest:sub(1, -2) .. string.char(bit.bxor(rest:byte(-1), 1))
  end,
  short = function(rest) return rest:sub(1, -2) end,
  id = function(rest) return string.char(bit.bxor(rest:byte(1), 1)) .. rest:sub(2) end,
  sequence = function(rest) return rest:sub(1, 2) .. "\1\1" .. rest:sub(5) end,
}

local fd = assert(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
while true do
  local packet = assert(socket.recv(fd, 2048))
  local head = bit.band(packet:byte(1), 15) * 4
  local asked = ("%d.%d.%d.%d"):format(packet:byte(17, 20))
  local asker = ("%d.%d.%d.%d"):format(packet:byte(13, 16))
  if packet:byte(head + 1) == ECHO and asked ~= asker then
    local from = KIND == "address" and "127.0.0.3" or asked
    local rest = changes[KIND](packet:sub(head + 5))
    local out = assert(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
    assert(socket.bind(out, { family = socket.AF_INET, addr = from, port = 0 }))
    socket.sendto(out, message(KIND == "request" and ECHO or REPLY, rest),
      { family = socket.AF_INET, addr = asker, port = 0 })
    unistd.close(out)
  end
end
