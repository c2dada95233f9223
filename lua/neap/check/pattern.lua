-- Lua patterns that take time in proportion to the text, whatever the text is: a backend must not
-- be able to delay the agent. The only question is whether there is a match, so all ways to match
-- are followed at once. Items that need a memory (captures, %b, %f, back references) are refused.

local pattern = {}

local ITEMS_MAX = 64
local REPEATS = { ["*"] = true, ["+"] = true, ["-"] = true, ["?"] = true }

-- The end of the [set] that begins at `at`.
local function end_of_set(text, at)
  local i = at + 1
  if text:sub(i, i) == "^" then i = i + 1 end
  repeat -- a ] that comes first stands for itself
    local c = text:sub(i, i)
    if c == "" then return nil end
    i = i + (c == "%" and 2 or 1)
  until text:sub(i, i) == "]"
  return i
end

-- One item from there on: its end, or nil and why.
local function end_of_item(text, at)
  local c = text:sub(at, at)
  if c == "(" or c == ")" then return nil, "there are no captures here (write %( for a (" end
  if c == "[" then
    local last = end_of_set(text, at)
    return last, "the set [ has no end"
  end
  if c ~= "%" then return at end
  local class = text:sub(at + 1, at + 1)
  if class == "" then return nil, "there is nothing behind the last %" end
  if class:find "[%dbf]" then return nil, ("%%%s is not available here"):format(class) end
  return at + 1
end

-- Does it end in a $ that stands for the end? One after an odd number of % is itself.
local function ends_in_dollar(text)
  if text:sub(-1) ~= "$" then return false end
  local at = #text - 1
  while text:sub(at, at) == "%" do at = at - 1 end
  return (#text - 1 - at) % 2 == 0
end

-- → { { item = "%d", repeats = "*" or nil }, … }, at_start, at_end; nil, why
local function items_of(text)
  local list, at, last = {}, 1, #text
  local at_start = text:sub(1, 1) == "^"
  if at_start then at = 2 end
  local at_end = last >= at and ends_in_dollar(text)
  if at_end then last = last - 1 end
  while at <= last do
    local stop, why = end_of_item(text, at)
    if not stop or stop > last then return nil, why or "it ends too early" end
    local item = { item = text:sub(at, stop) }
    at = stop + 1
    if at <= last and REPEATS[text:sub(at, at)] then
      item.repeats = text:sub(at, at)
      at = at + 1
    end
    table.insert(list, item)
  end
  if #list > ITEMS_MAX then return nil, ("it has more than %d items"):format(ITEMS_MAX) end
  return list, at_start, at_end
end

-- byte → whether the item takes it
local function class_of(item)
  local takes = {}
  if item == "$" then item = "%$" end -- not at the end: itself
  -- linear: of one byte
  for byte = 0, 255 do takes[byte] = string.char(byte):find("^" .. item) ~= nil end
  return takes
end

-- Items as steps: step i is taken by a byte, stays for * and -, and may be left out for * - ?.
local function compile(list)
  local steps = {}
  for _, entry in ipairs(list) do
    local takes, repeats = class_of(entry.item), entry.repeats
    if repeats == "+" then table.insert(steps, { takes = takes }) end
    local is_loop = repeats == "*" or repeats == "-" or repeats == "+"
    table.insert(steps, { takes = takes, is_loop = is_loop, is_optional = repeats ~= nil })
  end
  return steps
end

-- A pattern that parses works for any text: if one erred in a check, the backend would stay as it
-- is.
---@param text string
---@return boolean? ok, string? why
function pattern.parse(text)
  local list, why = items_of(text)
  if not list then return nil, why end
  if not pcall(compile, list) then return nil, "it is no pattern of Lua's" end
  return true
end

-- Puts a place (steps done + 1) into the set, and those that optional steps lead to.
local function reach(set, steps, place)
  while not set[place] do
    set[place] = true
    if not (steps[place] and steps[place].is_optional) then return end
    place = place + 1
  end
end

-- All places together as one state; `after` has, by byte, the state that follows, once it was
-- needed. There may be too many to keep: then the others are made again each time.
local STATES_MAX = 200

local function new_state(machine, set)
  return { set = set, after = {}, is_goal = set[#machine.steps + 1] == true }
end

local function state_of(machine, set)
  local numbers = {}
  for place = 1, #machine.steps + 1 do
    if set[place] then numbers[#numbers + 1] = place end
  end
  local key = table.concat(numbers, " ")
  if not machine.states[key] then
    machine.states[key], machine.count = new_state(machine, set), machine.count + 1
  end
  return machine.states[key]
end

local function advance(machine, state, byte)
  local set, steps = {}, machine.steps
  for place, step in ipairs(steps) do
    if state.set[place] and step.takes[byte] then
      reach(set, steps, step.is_loop and place or place + 1)
    end
  end
  if not machine.at_start then reach(set, steps, 1) end
  if machine.count >= STATES_MAX then return new_state(machine, set) end
  state.after[byte] = state_of(machine, set)
  return state.after[byte]
end

-- For texts that come in pieces: each piece is looked at once.
---@param text string  that pattern.parse takes
---@return fun(): fun(piece: string): boolean  -- begins one text; is it in what came so far?
function pattern.begin(text)
  local list, at_start, at_end = items_of(text)
  local steps, first = compile(assert(list, at_start)), {}
  local machine = { steps = steps, at_start = at_start, states = {}, count = 0 }
  reach(first, steps, 1)
  local beginning = state_of(machine, first)
  return function()
    local now = beginning
    return function(piece)
      for i = 1, #piece do
        if now.is_goal and not at_end then return true end
        local byte = piece:byte(i)
        now = now.after[byte] or advance(machine, now, byte)
      end
      return now.is_goal
    end
  end
end

-- Does the text have it?
---@param text string  that pattern.parse takes
---@return fun(subject: string): boolean
function pattern.new(text)
  local begin = pattern.begin(text)
  return function(subject) return begin()(subject) end
end

return pattern
