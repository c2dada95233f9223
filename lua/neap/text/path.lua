-- The normalised path of a request, for rules: one text for all paths that a server may take for
-- the same, and none for paths that servers take differently.
--
-- RFC 3986 §6.2.2: escapes of what may stand in a path as it is are taken out, the others have
-- capital digits; "." and ".." go (§5.2.4). Slashes that follow each other are one. "%2F" stays: it
-- is no slash. Escapes are taken out once only.

local ffi = require "neap.ffi"

local path = {}

local PATH_MAX = 16384
local SLASH, DOT, PERCENT, BACKSLASH, SEMICOLON = 47, 46, 37, 92, 59
local DIGITS = "0123456789ABCDEF"

-- What a byte is in a path: PLAIN may stand there as it is; nobody has a reason to escape what is
-- UNRESERVED.
local OTHER, PLAIN, UNRESERVED = 0, 1, 2
local kinds, hex, digits = ffi.new "uint8_t[256]", ffi.new "int8_t[256]", ffi.new "uint8_t[16]"
ffi.fill(hex, 256, 255)
for c = 0, 255 do
  local char = string.char(c)
  if char:find "[%w._~-]" then
    kinds[c] = UNRESERVED
  elseif char:find "[!$&'()*+,;=:@]" then
    kinds[c] = PLAIN
  end
  if char:find "%x" then hex[c] = tonumber(char, 16) end
end
for i = 0, 15 do digits[i] = DIGITS:byte(i + 1) end

local made = ffi.new("uint8_t[?]", PATH_MAX * 3 + 3)

-- Is it in its normal form already, as most are?
local function is_normal(from, n)
  local before = 0
  for i = 0, n - 1 do
    local c = from[i]
    if before == SLASH and (c == SLASH or c == DOT or c == SEMICOLON) then return false end
    if c ~= SLASH and kinds[c] == OTHER then return false end
    before = c
  end
  return true
end

local function put_escape(to, c)
  made[to], made[to + 1], made[to + 2] = PERCENT, digits[math.floor(c / 16)], digits[c % 16]
  return to + 3
end

-- The byte that an escape at `at` stands for; -1: it is none.
local function escape_at(from, at, n)
  if at + 2 >= n then return -1 end
  local high, low = hex[from[at + 1]], hex[from[at + 2]]
  if high < 0 or low < 0 then return -1 end
  return high * 16 + low
end

-- "%2561" reads "a" for those who take escapes out twice.
local function hides_escape(from, at, n)
  if at + 4 >= n then return false end
  local high, low = hex[from[at + 3]], hex[from[at + 4]]
  return high >= 0 and low >= 0 and kinds[high * 16 + low] == UNRESERVED
end

-- Writes what an escape becomes; where it ends, or nil and why.
local function take_escape(from, at, n, to)
  local c = escape_at(from, at, n)
  if c < 0 then return nil, "an escape without two hex digits" end
  if c == 0 then return nil, "a zero byte" end
  if c == BACKSLASH then return nil, "a backslash" end
  if c == PERCENT and hides_escape(from, at, n) then return nil, "an escape within an escape" end
  -- The servers that know parameters (";v=1") take an escaped one for a part of the name.
  if kinds[c] ~= OTHER and c ~= SEMICOLON then
    made[to] = c
    return to + 1
  end
  return put_escape(to, c)
end

local function take_byte(c, to)
  if c == 0 then return nil, "a zero byte" end
  if c == BACKSLASH then return nil, "a backslash" end
  if c == 63 or c == 35 then return nil, "a query or fragment" end
  if kinds[c] == OTHER then return put_escape(to, c) end
  made[to] = c
  return to + 1
end

-- How many dots a piece of a segment is: 1 or 2; 0: it is something else.
local function dots_of(first, last)
  local n = last - first
  if n < 1 or n > 2 or made[first] ~= DOT or made[last - 1] ~= DOT then return 0 end
  return n
end

-- Segments that some servers take for dots or for nothing: "..;x", "..%2Fx", ";x".
local function is_doubtful(first, last)
  if first < last and made[first] == SEMICOLON then return true end
  local start = first
  for i = first, last - 1 do
    local c = made[i]
    if c == SEMICOLON and dots_of(start, i) > 0 then return true end
    if c == PERCENT and made[i + 1] == 50 and made[i + 2] == 70 then -- %2F
      if dots_of(start, i) > 0 then return true end
      start = i + 3
    end
  end
  return start > first and dots_of(start, last) > 0
end

-- The beginning of the segment before the one that begins there.
local function before(start)
  if start == 1 then return 1 end
  local at = start - 2
  while made[at] ~= SLASH do at = at - 1 end
  return at + 1
end

-- A segment is written: where the next one begins; nil and why.
local function end_segment(start, to, is_unsure, is_last)
  local dots = dots_of(start, to)
  if dots == 1 then return start end
  if dots == 2 then
    if is_unsure then return nil, "'..' behind an empty segment, or behind %2F" end
    return before(start)
  end
  if is_doubtful(start, to) then
    return nil, "a segment that some servers take for dots, or for nothing"
  end
  if to == start or is_last then return to end
  made[to] = SLASH
  return to + 1
end

local function normalised(from, n)
  local start, to, is_unsure = 1, 1, false -- is_unsure: servers differ in what `..` undoes
  local why
  made[0] = SLASH
  local at = 1
  while at <= n do
    local is_end = at == n
    local c = is_end and SLASH or from[at]
    if c == SLASH then
      if to == start and not is_end then is_unsure = true end
      start, why = end_segment(start, to, is_unsure, is_end)
      to = start
    elseif c == PERCENT then
      is_unsure = is_unsure or escape_at(from, at, n) == SLASH
      to, why = take_escape(from, at, n, to)
      at = at + 2
    else
      to, why = take_byte(c, to)
    end
    if not to then return nil, "path: " .. why end
    at = at + 1
  end
  return ffi.string(made, to)
end

---@param text string  the path alone, without a query
---@return string? normal, string? why
function path.normalise(text)
  if type(text) ~= "string" then
    error(("neap.url.path(path): path must be a string, not %s"):format(type(text)), 2)
  end
  local n = #text
  local from = ffi.cast("const uint8_t *", text)
  if n == 0 or from[0] ~= SLASH then return nil, "path: it does not begin with /" end
  if n > PATH_MAX then return nil, ("path: longer than %d bytes"):format(PATH_MAX) end
  if is_normal(from, n) then return text end
  return normalised(from, n)
end

-- Is it that path, or one below it? "/admin" is not within "/adm".
---@param text string  normalised
---@param top string
---@return boolean
function path.is_within(text, top)
  if type(text) ~= "string" or type(top) ~= "string" then
    error("neap.url.is_within(path, top): both must be strings", 2)
  end
  if top:sub(-1) == "/" then top = top:sub(1, -2) end
  local n = #top
  if text:sub(1, n) ~= top then return false end
  return #text == n or text:byte(n + 1) == SLASH
end

return path
