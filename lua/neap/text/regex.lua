-- neap.regex: PCRE2. A match that would take too long ends with nil and why, so a text that
-- somebody else sent cannot stop the worker.

local ffi = require "neap.ffi"
local naming = require "neap.config.naming"

local C, N, string_of = ffi.C, ffi.numbers, ffi.string

local regex = {}

local CACHED_MAX = 200
local FLAGS = {
  i = N.NEAP_REGEX_CASELESS, m = N.NEAP_REGEX_MULTILINE, s = N.NEAP_REGEX_DOTALL,
  x = N.NEAP_REGEX_EXTENDED, u = N.NEAP_REGEX_UTF,
}
local PLAIN, GOES_ON, NOT_EMPTY = N.NEAP_REGEX_PLAIN, N.NEAP_REGEX_GOES_ON, N.NEAP_REGEX_NOT_EMPTY
local NONE, TOO_LONG, TEXT_MAX = N.NEAP_REGEX_NONE, N.NEAP_REGEX_TOO_LONG, N.NEAP_REGEX_TEXT_MAX
local UNSET = 2 ^ 63 -- places above are those of groups that took no part

local Regex = naming.known("a regex", {})
local class = { __index = Regex, __metatable = false }
local places, name_at = ffi.new "const size_t *[1]", ffi.new "const char *[1]"
local why = ffi.new("char[?]", N.NEAP_REGEX_WHY_MAX)

local cache, cached = {}, 0

local function must_be(what, value, kind, level)
  if type(value) ~= kind then
    error(("%s must be a %s, not %s"):format(what, kind, type(value)), level or 3)
  end
end

local function bits_of(flags)
  local bits = 0
  for flag in flags:gmatch "." do
    if not FLAGS[flag] then
      error(("neap.regex.new: flag '%s' (expected of i, m, s, x, u)"):format(flag), 3)
    end
    if not flags:find(flag .. ".*" .. flag) then bits = bits + FLAGS[flag] end -- linear: 5 flags
  end
  return bits
end

local function names_of(handle)
  local names, at = {}, 0
  while true do
    local group = C.neap_regex_name(handle, at, name_at)
    if group == 0 then return names end
    table.insert(names, { group = tonumber(group), name = string_of(name_at[0]) })
    at = at + 1
  end
end

local function compiled(pattern, flags, bits)
  local handle = C.neap_regex_create(pattern, #pattern, bits, why)
  if handle == nil then return nil, "neap.regex: " .. string_of(why) end
  handle = ffi.gc(handle, C.neap_regex_destroy)
  return setmetatable({
    pattern = pattern, flags = flags, handle = handle, names = names_of(handle),
    groups = tonumber(C.neap_regex_groups(handle)),
  }, class)
end

---@param pattern string
---@param flags string?  of i, m, s, x, u
---@return table? regex, string? why
function regex.new(pattern, flags)
  must_be("neap.regex.new(pattern, flags): pattern", pattern, "string")
  flags = flags or ""
  must_be("neap.regex.new(pattern, flags): flags", flags, "string")
  local key = flags .. "/" .. pattern
  local known = cache[key]
  if known then return known end
  local made, reason = compiled(pattern, flags, bits_of(flags))
  if not made then return nil, reason end
  if cached >= CACHED_MAX then cache, cached = {}, 0 end
  cache[key], cached = made, cached + 1
  return made
end

-- How many pairs `places` has; 0: no match; nil and why.
local function search(self, text, start, how)
  if #text > TEXT_MAX then
    return nil, ("neap.regex: the text has more than %d bytes"):format(TEXT_MAX)
  end
  local n = C.neap_regex_match(self.handle, text, #text, start, how, places)
  if n > 0 or n == NONE then return n end
  if n == TOO_LONG then return nil, "neap.regex: the match took too long" end
  return nil, "neap.regex: the match failed"
end

local function group_at(text, pairs_n, i)
  if i >= pairs_n then return false end
  local from, to = tonumber(places[0][2 * i]), tonumber(places[0][2 * i + 1])
  if from >= UNSET then return false end
  return text:sub(from + 1, to)
end

local function captures(self, text, n)
  local found = {}
  for i = 0, self.groups do found[i] = group_at(text, n, i) end
  for _, one in ipairs(self.names) do
    if not found[one.name] then found[one.name] = found[one.group] end
  end
  return found
end

local function start_of(init, text)
  if init == nil then return 0 end
  if init < 0 then init = math.max(1, #text + 1 + init) end
  return math.min(math.max(init, 1) - 1, #text)
end

local function check(what, self, text, init)
  if type(self) ~= "table" or not self.handle then
    error(("%s: methods of a regex are called with a colon"):format(what), 3)
  end
  must_be(what .. ": text", text, "string", 4)
  if init ~= nil then must_be(what .. ": init", init, "number", 4) end
end

---@return table? captures, string? why
function Regex:match(text, init)
  check("regex:match(text, init)", self, text, init)
  local n, reason = search(self, text, start_of(init, text), PLAIN)
  if not n or n == NONE then return nil, reason end
  return captures(self, text, n)
end

---@return integer? first, integer|string|nil last  or why not
function Regex:find(text, init)
  check("regex:find(text, init)", self, text, init)
  local n, reason = search(self, text, start_of(init, text), PLAIN)
  if not n or n == NONE then return nil, reason end
  return tonumber(places[0][0]) + 1, tonumber(places[0][1])
end

-- "$1", "${name}", "$$" as pieces: texts, and numbers or names of groups in tables.
local function pieces_of(self, template)
  local list, at = {}, 1
  while true do
    local dollar = template:find("$", at, true)
    if not dollar then break end
    table.insert(list, template:sub(at, dollar - 1))
    local digits = template:match("^%d%d?", dollar + 1)
    local name = template:match("^{([%w_]+)}", dollar + 1)
    if template:sub(dollar + 1, dollar + 1) == "$" then
      table.insert(list, "$")
      at = dollar + 2
    elseif digits or name then
      local group = digits and tonumber(digits) or tonumber(name) or name
      local is_there = type(group) == "number" and group <= self.groups
      for _, one in ipairs(self.names) do is_there = is_there or one.name == group end
      if not is_there then
        error(("regex:gsub: the pattern has no group '%s'"):format(tostring(group)), 3)
      end
      table.insert(list, { group })
      at = dollar + 1 + (digits and #digits or #name + 2)
    else
      error("regex:gsub: a $ is followed by a number, {name} or another $", 3)
    end
  end
  table.insert(list, template:sub(at))
  return list
end

local function filled(pieces, found)
  local parts = {}
  for i, piece in ipairs(pieces) do
    parts[i] = type(piece) == "string" and piece or found[piece[1]] or ""
  end
  return table.concat(parts)
end

local function replacement(by, found)
  if type(by) == "table" then return filled(by, found) end
  local text = by(found)
  if text == nil or text == false then return found[0] end
  if type(text) ~= "string" and type(text) ~= "number" then
    error(("regex:gsub: the function returned a %s (expected a text)"):format(type(text)), 0)
  end
  return tostring(text)
end

-- The end of the character that begins there.
local function next_character(self, text, at)
  local to = at + 1
  if not self.flags:find("u", 1, true) then return to end
  while to < #text and text:byte(to + 1) >= 128 and text:byte(to + 1) < 192 do to = to + 1 end
  return to
end

local function replaced(self, text, by, max)
  local parts, count, at, copied, how = {}, 0, 0, 0, GOES_ON
  while count < max and at <= #text do
    local n, reason = search(self, text, at, how)
    if not n then return nil, reason end
    if n == NONE then
      if how == GOES_ON then break end
      at, how = next_character(self, text, at), GOES_ON
    else
      local from, to = tonumber(places[0][0]), tonumber(places[0][1])
      local found = captures(self, text, n)
      table.insert(parts, text:sub(copied + 1, from))
      table.insert(parts, replacement(by, found))
      count, copied, at = count + 1, to, to
      how = from == to and GOES_ON + NOT_EMPTY or GOES_ON
    end
  end
  table.insert(parts, text:sub(copied + 1))
  return table.concat(parts), count
end

---@param by string|fun(captures: table): string?
---@param max integer?
---@return string? text, integer|string count  or why not
function Regex:gsub(text, by, max)
  check("regex:gsub(text, by, max)", self, text, max)
  if type(by) == "string" then
    by = pieces_of(self, by)
  elseif type(by) ~= "function" then
    error(("regex:gsub(text, by, max): by must be a text or a function, not %s")
      :format(type(by)), 2)
  end
  return replaced(self, text, by, max or math.huge)
end

return regex
