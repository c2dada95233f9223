-- bytecode.dump(fn) gives its bytecode, the same in each run. LuaJIT writes the constants of a
-- table in the order of hashes whose seed is another one each time: here they are sorted. The
-- form is that of LuaJIT 2.1 (version 2 of its dumps).

local bytecode = {}

local STRIPPED = 2 -- flag of the header: no names and lines follow

local Reader = {}
Reader.__index = Reader

function Reader:byte()
  self.at = self.at + 1
  return self.text:byte(self.at - 1)
end

-- An unsigned number in groups of seven bits, the lowest first.
function Reader:number()
  local value, scale = 0, 1
  while true do
    local byte = self:byte()
    value = value + byte % 128 * scale
    if byte < 128 then return value end
    scale = scale * 128
  end
end

function Reader:skip(n) self.at = self.at + n end

-- One key or value of a table: nil, false and true have nothing behind their kind, 3 is a whole
-- number, 4 another one, all others are texts.
function Reader:item()
  local kind = self:number()
  if kind == 3 then self:number() end
  if kind == 4 then
    self:number()
    self:number()
  end
  if kind >= 5 then self:skip(kind - 5) end
end

function Reader:pair()
  local first = self.at
  self:item()
  self:item()
  return self.text:sub(first, self.at - 1)
end

function Reader:table()
  local in_order, hashed = self:number(), self:number()
  for _ = 1, in_order do self:item() end
  local first, pairs_of = self.at, {}
  for i = 1, hashed do pairs_of[i] = self:pair() end
  table.sort(pairs_of)
  self.text = self.text:sub(1, first - 1) .. table.concat(pairs_of) .. self.text:sub(self.at)
end

local NUMBERS = { [2] = 2, [3] = 2, [4] = 4 } -- of 64 bits, and complex ones

function Reader:constant()
  local kind = self:number()
  if kind == 1 then return self:table() end
  for _ = 1, NUMBERS[kind] or 0 do self:number() end
  if kind >= 5 then self:skip(kind - 5) end
end

-- One function; false: there is none any more.
function Reader:prototype(is_stripped)
  local length = self:number()
  if length == 0 then return false end
  local behind = self.at + length
  self:skip(3)
  local upvalues, constants = self:byte(), self:number()
  self:number()
  local instructions = self:number()
  if not is_stripped and self:number() > 0 then
    self:number()
    self:number()
  end
  self:skip(4 * instructions + 2 * upvalues)
  for _ = 1, constants do self:constant() end
  self.at = behind
  return true
end

function bytecode.dump(fn)
  local reader = setmetatable({ text = string.dump(fn), at = 1 }, Reader)
  assert(reader.text:sub(1, 4) == "\27LJ\2", "this LuaJIT writes another form of bytecode")
  reader.at = 5
  local is_stripped = math.floor(reader:number() / STRIPPED) % 2 == 1
  if not is_stripped then reader:skip(reader:number()) end
  local goes_on
  repeat goes_on = reader:prototype(is_stripped) until not goes_on
  return reader.text
end

return bytecode
