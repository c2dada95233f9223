-- Names patterns of lua/neap that may take quadratic time, or worse, on bytes of others.
--
-- A pattern is slow where two of its repetitions can take the same bytes (`.-%s*$` on blanks: the
-- matcher tries each border of the two) and what follows may fail. Without `^` the search for a
-- beginning is a repetition, too (`[ \t]+$`). Where one is fine, its line, or a comment on the one
-- before, says why: "-- linear: …".
--
-- usage: luajit .ci/patterns.lua [FILE]...       exit 1, with a line for each that is slow

local CALLS = { find = true, match = true, gmatch = true, gsub = true }
-- These have functions of such names that take no pattern.
local OTHERS = {
  regex = true, Regex = true, nearest = true,
  pool = true, board = true, methods = true, self = true,
}
local ALL = {}
for byte = 0, 255 do ALL[byte] = true end

-- The bytes that a single item of a pattern takes.
local function bytes_of(item)
  local set = {}
  for byte = 0, 255 do set[byte] = string.char(byte):find("^" .. item) ~= nil end
  return set
end

-- The end of the set that begins at `at`.
local function end_of_set(text, at)
  local i = at + 1
  if text:sub(i, i) == "^" then i = i + 1 end
  repeat
    i = i + (text:sub(i, i) == "%" and 2 or 1)
  until i > #text or text:sub(i, i) == "]"
  return i
end

local function end_of_item(text, at)
  local c = text:sub(at, at)
  if c == "[" then return end_of_set(text, at) end
  return c == "%" and at + 1 or at
end

-- { set =, repeats = "*", "+", "-", "?" or nil }; is it anchored at its beginning, and at its end?
local function items_of(text)
  local items, at = {}, 1
  local is_anchored, to_end = text:sub(1, 1) == "^", false
  if is_anchored then at = 2 end
  while at <= #text do
    local c, two = text:sub(at, at), text:sub(at, at + 1)
    if c == "(" or c == ")" then
      at = at + 1
    elseif c == "$" and at == #text then
      to_end, at = true, at + 1
    elseif two == "%f" then
      at = end_of_set(text, at + 2) + 1
    elseif two == "%b" or two:find "^%%%d" then
      return nil
    else
      local last = end_of_item(text, at)
      local item = { set = bytes_of(text:sub(at, last)), text = text:sub(at, last) }
      at = last + 1
      local after = text:sub(at, at)
      if after:find "^[*+?-]" then item.repeats, at = after, at + 1 end
      table.insert(items, item)
    end
  end
  return items, is_anchored, to_end
end

local function is_loop(item) return item.repeats and item.repeats ~= "?" end

local function takes_all(item)
  for byte = 0, 255 do
    if not item.set[byte] then return false end
  end
  return item.repeats == "*" or item.repeats == "-"
end

-- Can it fail when this loop has taken what it takes?
local function may_fail(items, loop, to_end)
  if takes_all(items[#items]) and loop == #items then return false end
  for i = loop + 1, #items do
    local item = items[i]
    if i == #items and takes_all(item) then return false end
    if item.repeats == nil or item.repeats == "+" then return true end
  end
  return to_end
end

local function meet(a, b, c)
  for byte = 0, 255 do
    if a[byte] and b[byte] and c[byte] then return true end
  end
  return false
end

-- Are there bytes that both loops take, and all that must stand between them?
local function can_share(items, first, first_set, last)
  local last_set = items[last].set
  for i = first + 1, last - 1 do
    local is_needed = items[i].repeats == nil or items[i].repeats == "+"
    if is_needed and not meet(items[i].set, first_set, last_set) then return false end
  end
  return meet(ALL, first_set, last_set)
end

-- Why it may be slow; nil: it is linear.
local function slowness(text)
  local items, is_anchored, to_end = items_of(text)
  if not items then return "%b and back references are not judged" end
  for last = 1, #items do
    if is_loop(items[last]) and may_fail(items, last, to_end) then
      if not is_anchored and can_share(items, 0, ALL, last) then
        return ("without ^ each beginning may go through all that %q takes")
          :format(items[last].text .. items[last].repeats)
      end
      for first = 1, last - 1 do
        if is_loop(items[first]) and can_share(items, first, items[first].set, last) then
          return ("%q and %q may take the same bytes"):format(
            items[first].text .. items[first].repeats, items[last].text .. items[last].repeats)
        end
      end
    end
  end
end

-- The literal that begins at `at`, as Lua reads it, and its end.
local function literal_at(source, at)
  local quote = source:sub(at, at)
  if quote ~= '"' and quote ~= "'" then return nil end
  local i = at + 1
  while i <= #source and source:sub(i, i) ~= quote do
    i = i + (source:sub(i, i) == "\\" and 2 or 1)
  end
  local value = load("return " .. source:sub(at, i))
  return value and value(), i
end

local found = 0

local function fault(source, at)
  local text, stop = literal_at(source, source:match("^%(?%s*()", at))
  local after = source:sub((stop or at) + 1)
  if after:find "^[^()]*, true%)" then return nil end -- plain
  if not text then return "the pattern is no literal" end
  if after:find "^%s*%.%." then return "the pattern is put together" end
  return slowness(text)
end

local function judge(path, line, source, at)
  local why = fault(source, at)
  if not why then return end
  found = found + 1
  print(("%s:%d: %s"):format(path, line, why))
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local function look(path)
  local number, before = 0, ""
  for line in (read(path) .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    local code = line:find "^%s*%-%-" and "" or line
    if not (before .. line):find "linear: " then
      for owner, call, at in code:gmatch "([%w_]*)[:.](%l+)%s*()[(\"']" do
        if CALLS[call] and not OTHERS[owner] then judge(path, number, code, at) end
      end
    end
    before = line:find "^%s*%-%- linear: " and line or ""
  end
end

for _, path in ipairs(arg) do look(path) end
os.exit(found == 0 and 0 or 1)
