-- Headers of the PROXY protocol, version 2, byte by byte, for specs.
--
--   header.of{ items = bytes, family = "v4" | "v6" | "unspec" | "udp4" | "udp6", command = 0x21 }
--                               → bytes; of a client at 192.0.2.9:56324 (2001:db8::9)
--   header.of{ …, family = "udp4", ip = "192.0.2.7" } → of another client
--   header.item(type, value)    one item (TLV)
--   header.ssl{ client = bits, verify = 0, version =, cipher =, cn = }
--   header.sealed{ as of header.of } → the same with its checksum (CRC32C) as the last item
--   header.read(bytes) → { family =, source = "ip:port" of IPv4, destination = likewise,
--                               items = { [type] = value, …, order = {…} } }, what follows
--   header.items(bytes) → such items

local bit = require "bit"

local header = { ALPN = 1, AUTHORITY = 2, SSL = 32, VERSION = 33, CN = 34, CIPHER = 35, CRC32C = 3 }

local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"
local PORTS = "\220\4\1\187"
local ADDRESSES = {
  v4 = { "\17", "\192\0\2\9\192\0\2\2" .. PORTS },
  v6 = { "\33", "\32\1\13\184" .. ("\0"):rep(11) .. "\9" .. ("\0"):rep(15) .. "\1" .. PORTS },
  unspec = { "\0", "" },
}
ADDRESSES.udp4, ADDRESSES.udp6 = { "\18", ADDRESSES.v4[2] }, { "\34", ADDRESSES.v6[2] }

local function ip_bytes(ip)
  return (ip:gsub("(%d+)%.?", function(n) return string.char(tonumber(n)) end))
end

local function read_ip4(bytes, at, port_at)
  local a, b, c, d = bytes:byte(at, at + 3)
  local high, low = bytes:byte(port_at, port_at + 1)
  return ("%d.%d.%d.%d:%d"):format(a, b, c, d, high * 256 + low)
end

local function u16(n) return string.char(math.floor(n / 256), n % 256) end

function header.item(type, value) return string.char(type) .. u16(#value) .. value end

function header.ssl(o)
  local value = string.char(o.client or 1) .. "\0\0\0" .. string.char(o.verify or 0)
  if o.version then value = value .. header.item(header.VERSION, o.version) end
  if o.cn then value = value .. header.item(header.CN, o.cn) end
  if o.cipher then value = value .. header.item(header.CIPHER, o.cipher) end
  return header.item(header.SSL, value .. (o.more or ""))
end

function header.of(o)
  local family, addresses = unpack(ADDRESSES[o.family or "v4"])
  if o.ip then addresses = ip_bytes(o.ip) .. addresses:sub(5) end
  local rest = addresses .. (o.items or "")
  return SIGNATURE .. string.char(o.command or 0x21) .. family .. u16(#rest) .. rest
end

-- Bit by bit, as RFC 3720 appendix B.4 defines it.
local function crc32c(bytes)
  local crc = bit.bnot(0)
  for i = 1, #bytes do
    crc = bit.bxor(crc, bytes:byte(i))
    for _ = 1, 8 do
      local low = bit.band(crc, 1)
      crc = bit.bxor(bit.rshift(crc, 1), low == 1 and 0x82f63b78 or 0)
    end
  end
  return bit.bnot(crc)
end

local function u32(n)
  return string.char(bit.band(bit.rshift(n, 24), 255), bit.band(bit.rshift(n, 16), 255),
    bit.band(bit.rshift(n, 8), 255), bit.band(n, 255))
end

function header.sealed(o)
  local copy = {}
  for key, value in pairs(o) do copy[key] = value end
  copy.items = (o.items or "") .. header.item(header.CRC32C, "\0\0\0\0")
  local bytes = header.of(copy)
  return bytes:sub(1, -5) .. u32(crc32c(bytes))
end

function header.items(bytes)
  local items = { order = {} }
  while #bytes > 0 do
    local type, high, low = bytes:byte(1, 3)
    local n = high * 256 + low
    assert(#bytes >= 3 + n, "an item is cut off")
    items[type] = bytes:sub(4, 3 + n)
    table.insert(items.order, type)
    bytes = bytes:sub(4 + n)
  end
  return items
end

-- What begins with a header: what it says, and what follows it.
function header.read(bytes)
  assert(bytes:sub(1, 12) == SIGNATURE, "no header of version 2")
  local family, high, low = bytes:byte(14, 16)
  local n = high * 256 + low
  local at = ({ [17] = 12, [18] = 12, [33] = 36, [34] = 36, [0] = 0 })[family]
  local told = { family = family, items = header.items(bytes:sub(17 + at, 16 + n)) }
  if at == 12 then
    told.source, told.destination = read_ip4(bytes, 17, 25), read_ip4(bytes, 21, 27)
  end
  return told, bytes:sub(17 + n)
end

return header
