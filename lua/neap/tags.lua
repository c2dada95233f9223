-- A backend's tags as the board keeps them: "key\0<type>value\0…", the type a letter: s, n or b.

local sorted = require "neap.sorted"

local tags = {}

local LETTERS = { string = "s", number = "n", boolean = "b" }

---@param values table<string, string|number|boolean>
---@return string
function tags.encode(values)
  local parts = {}
  for _, name in ipairs(sorted.keys(values)) do
    local value = values[name]
    local as_text = type(value) == "number" and ("%.17g"):format(value) or tostring(value)
    table.insert(parts, ("%s\0%s%s\0"):format(name, LETTERS[type(value)], as_text))
  end
  return table.concat(parts)
end

local function value_of(letter, as_text)
  if letter == "n" then return tonumber(as_text) end
  if letter == "b" then return as_text == "true" end
  return as_text
end

---@param bytes string  what follows the last tag is ignored
---@return table<string, string|number|boolean>
function tags.decode(bytes)
  local values = {}
  -- linear: of 512 bytes at most
  for name, letter, as_text in bytes:gmatch "(%Z+)%z(%l)(%Z*)%z" do
    values[name] = value_of(letter, as_text)
  end
  return values
end

return tags
