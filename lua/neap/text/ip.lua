-- neap.ip: IP addresses and sets of networks.
--
-- An address is its family and three numbers: of IPv4 the first is all 32 bits; of IPv6 they are
-- 48, 48 and 32 bits, which doubles hold exactly. ::ffff:192.0.2.1 is the IPv4 address in it.

local bit = require "bit"
local naming = require "neap.config.naming"

local ip = {}

local byte, floor = string.byte, math.floor
local TEXT_MAX = 45 -- the longest text of an address
local SIZES = { 48, 48, 32 } -- bits of the three numbers
local MAPPED = 0xffff -- the second number of an IPv4 address within IPv6, with the first 0

-- From `first` to `last`, four numbers without leading zeros; nil: it is none.
local function v4_at(text, first, last)
  local value, octet, digits, dots = 0, 0, 0, 0
  for i = first, last do
    local c = byte(text, i) - 48
    if c >= 0 and c <= 9 then
      if digits > 0 and octet == 0 then return nil end
      octet, digits = octet * 10 + c, digits + 1
      if octet > 255 then return nil end
    elseif c == -2 and digits > 0 and dots < 3 then
      value, octet, digits, dots = value * 256 + octet, 0, 0, dots + 1
    else
      return nil
    end
  end
  if dots ~= 3 or digits == 0 then return nil end
  return value * 256 + octet
end

local HEX = {}
for c = 0, 255 do HEX[c] = tonumber(string.char(c), 16) or -1 end

local groups = { 0, 0, 0, 0, 0, 0, 0, 0 } -- of the address that is being read

-- Moves the groups after the gap to the end.
local function close_gap(gap, count)
  local missing = 8 - count
  for i = count, gap + 1, -1 do groups[i + missing] = groups[i] end
  for i = gap + 1, gap + missing do groups[i] = 0 end
end

-- Up to four hex digits from `at`: their value and where they end.
local function group_at(text, at, last)
  local value, start = 0, at
  while at <= last and at - start < 4 do
    local digit = HEX[byte(text, at)]
    if digit < 0 then break end
    value, at = value * 16 + digit, at + 1
  end
  return value, at
end

-- An IPv4 address as the last two groups.
local function add_tail(text, from, last, count)
  local tail = v4_at(text, from, last)
  if not tail or count > 6 then return nil end
  groups[count + 1], groups[count + 2] = floor(tail / 65536), tail % 65536
  return count + 2
end

local COLON, POINT = 58, 46

-- Reads into `groups` from `at` on; how many there are, and after how many of them `::` stands,
-- which is 0 if it has come already. nil: bad.
local function read_groups(text, at, last, gap)
  local count = 0
  while at <= last do
    local value, stop = group_at(text, at, last)
    local after = stop <= last and byte(text, stop) or nil
    if after == POINT then return add_tail(text, at, last, count), gap end
    if stop == at or count == 8 or stop == last then return nil end
    count = count + 1
    groups[count] = value
    if not after then break end
    if after ~= COLON then return nil end
    at = stop + 1
    if byte(text, at) == COLON then
      if gap then return nil end
      gap, at = count, at + 1
    end
  end
  return count, gap
end

local function v6_at(text, first, last)
  local begins_with_gap = byte(text, first) == COLON
  if begins_with_gap and (first == last or byte(text, first + 1) ~= COLON) then return nil end
  local count, gap = read_groups(text, begins_with_gap and first + 2 or first, last,
    begins_with_gap and 0 or nil)
  if not count then return nil end
  if gap then
    if count > 7 then return nil end
    close_gap(gap, count)
  elseif count ~= 8 then
    return nil
  end
  local g = groups
  local a, b = (g[1] * 65536 + g[2]) * 65536 + g[3], (g[4] * 65536 + g[5]) * 65536 + g[6]
  local c = g[7] * 65536 + g[8]
  if a == 0 and b == MAPPED then return 4, c, 0, 0 end
  return 6, a, b, c
end

-- The address between two places of a text: family and three numbers. nil: it is none.
local function read(text, first, last)
  if last - first >= TEXT_MAX or last < first then return nil end
  local v4 = v4_at(text, first, last)
  if v4 then return 4, v4, 0, 0 end
  return v6_at(text, first, last)
end

local function v4_text(value)
  return ("%d.%d.%d.%d"):format(floor(value / 16777216), floor(value / 65536) % 256,
    floor(value / 256) % 256, value % 256)
end

-- The first and the longest run of zero groups; two at least.
local function longest_run(list)
  local first, length, start = nil, 1, nil
  for i = 1, 9 do
    if list[i] == 0 then
      start = start or i
    elseif start then
      if i - start > length then first, length = start, i - start end
      start = nil
    end
  end
  return first, length
end

-- RFC 5952.
local function v6_text(a, b, c)
  local list = {
    floor(a / 4294967296), floor(a / 65536) % 65536, a % 65536,
    floor(b / 4294967296), floor(b / 65536) % 65536, b % 65536, floor(c / 65536), c % 65536,
  }
  local first, length = longest_run(list)
  local texts = {}
  for i = 1, 8 do texts[i] = ("%x"):format(list[i]) end
  if not first then return table.concat(texts, ":") end
  return table.concat(texts, ":", 1, first - 1) .. "::"
    .. table.concat(texts, ":", first + length, 8)
end

local function text_of(family, a, b, c)
  if family == 4 then return v4_text(a) end
  return v6_text(a, b, c)
end

local function must_be_text(what, value)
  if type(value) ~= "string" then
    error(("%s must be a string, not %s"):format(what, type(value)), 3)
  end
end

local function quoted(text) return "'" .. text:sub(1, 60) .. "'" end

---@param text string
---@return string? canonical, integer|string family  or why not
function ip.parse(text)
  must_be_text("neap.ip.parse(text): text", text)
  local family, a, b, c = read(text, 1, #text)
  if not family then return nil, quoted(text) .. ": not an IP address" end
  return text_of(family, a, b, c), family
end

-- The first and the last number of which the first `bits` bits are those of `value`.
local function range_of(value, size, bits)
  local rest = 2 ^ (size - math.max(0, math.min(size, bits)))
  local low = value - value % rest
  return low, low + rest - 1
end

local function check_bits(name, bits, max)
  if type(bits) ~= "number" or bits % 1 ~= 0 or bits < 0 or bits > max then
    error(("neap.ip.prefix(ip, bits4, bits6): %s must be an integer from 0 to %d")
      :format(name, max), 3)
  end
end

---@param text string
---@param bits4 integer?  32
---@param bits6 integer?  64
---@return string? network, string? why
function ip.prefix(text, bits4, bits6)
  must_be_text("neap.ip.prefix(ip, bits4, bits6): ip", text)
  bits4, bits6 = bits4 or 32, bits6 or 64
  check_bits("bits4", bits4, 32)
  check_bits("bits6", bits6, 128)
  local family, a, b, c = read(text, 1, #text)
  if not family then return nil, quoted(text) .. ": not an IP address" end
  if family == 4 then
    local low = v4_text((range_of(a, 32, bits4)))
    return bits4 == 32 and low or low .. "/" .. bits4
  end
  local low = v6_text(range_of(a, 48, bits6), (range_of(b, 48, bits6 - 48)),
    (range_of(c, 32, bits6 - 96)))
  return bits6 == 128 and low or low .. "/" .. bits6
end

-- Sets: for each family sorted ranges that do not meet, each end in three lists of numbers.

local Set = naming.known("a set of neap.ip", {})
local class = { __index = Set, __metatable = false }

-- The last range that begins at or before the address; 0: none does.
local function find_v4(starts, a)
  local low, high = 0, #starts
  while low < high do
    local middle = bit.rshift(low + high + 1, 1)
    if starts[middle] <= a then low = middle else high = middle - 1 end
  end
  return low
end

local function is_at_most(lists, i, a, b, c)
  local x = lists[1][i]
  if x ~= a then return x < a end
  x = lists[2][i]
  if x ~= b then return x < b end
  return lists[3][i] <= c
end

local function find_v6(starts, a, b, c)
  local low, high = 0, #starts[1]
  while low < high do
    local middle = bit.rshift(low + high + 1, 1)
    if is_at_most(starts, middle, a, b, c) then low = middle else high = middle - 1 end
  end
  return low
end

-- Is the address at or before the end of that range?
local function is_before_end(ends, i, a, b, c)
  local x = ends[1][i]
  if x ~= a then return a < x end
  x = ends[2][i]
  if x ~= b then return b < x end
  return c <= ends[3][i]
end

-- false for what is no address, such as the "" of a client on a unix socket.
---@param text string
---@return boolean
function Set:has(text)
  if type(text) ~= "string" then
    error(("set:has(ip): ip must be a string, not %s"):format(type(text)), 2)
  end
  local family, a, b, c = read(text, 1, #text)
  if family == 4 then
    local starts = self.v4.starts[1]
    local at = find_v4(starts, a)
    return at > 0 and a <= self.v4.ends[1][at]
  elseif family == 6 then
    local v6 = self.v6
    local at = find_v6(v6.starts, a, b, c)
    return at > 0 and is_before_end(v6.ends, at, a, b, c)
  end
  return false
end

-- The length of the prefix behind the slash; nil: it is none.
local function prefix_length(text, slash, family)
  local max = family == 4 and 32 or 128
  if not slash then return max end
  local bits = tonumber((text:match("^%d%d?%d?$", slash + 1)))
  -- ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  if bits and family == 4 and text:find(":", 1, true) then bits = bits - 96 end
  if bits and bits <= max and bits >= 0 then return bits end
end

-- An entry as a range: { family, its first address, its last }. nil and why.
local function range_at(text)
  if type(text) ~= "string" then return nil, "a " .. type(text) .. ", expected a text" end
  local slash = text:find("/", 1, true)
  local family, a, b, c = read(text, 1, slash and slash - 1 or #text)
  if not family then return nil, quoted(text) .. ": not an IP address or network" end
  local bits = prefix_length(text, slash, family)
  if not bits then
    return nil, quoted(text) .. ": the length of the prefix must be a number up to 32 (IPv4) or "
      .. "128 (IPv6)"
  end
  local range = { family = family, first = {}, last = {} }
  local sizes, left = family == 4 and { 32, 0, 0 } or SIZES, bits
  for i, value in ipairs { a, b, c } do
    range.first[i], range.last[i] = range_of(value, sizes[i], left)
    left = left - sizes[i]
  end
  return range
end

local function is_less(one, other)
  for i = 1, 3 do
    if one[i] ~= other[i] then return one[i] < other[i] end
  end
  return false
end

-- Networks lie within each other or apart: sorted, those within another come after it.
local function lists_of(ranges)
  table.sort(ranges, function(one, other)
    if is_less(one.first, other.first) then return true end
    return not is_less(other.first, one.first) and is_less(other.last, one.last)
  end)
  local lists, last, n = { starts = { {}, {}, {} }, ends = { {}, {}, {} } }, nil, 0
  for _, range in ipairs(ranges) do
    if not last or is_less(last, range.first) then
      n, last = n + 1, range.last
      for i = 1, 3 do
        lists.starts[i][n], lists.ends[i][n] = range.first[i], range.last[i]
      end
    end
  end
  return lists
end

---@param entries string[]
---@return table? set, string? why
function ip.set(entries)
  if type(entries) ~= "table" then
    error(("neap.ip.set { \"10.0.0.0/8\", … }: expected a list, not a %s"):format(type(entries)), 2)
  end
  local of = { [4] = {}, [6] = {} }
  for i, entry in ipairs(entries) do
    local range, why = range_at(entry)
    if not range then return nil, ("neap.ip.set: entry %d: %s"):format(i, why) end
    table.insert(of[range.family], range)
  end
  return setmetatable({ v4 = lists_of(of[4]), v6 = lists_of(of[6]) }, class)
end

return ip
