-- Lua source as text: literals, and tables that keep their order and have remarks between their
-- items.

local code = {}

local WIDTH = 96

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

local function escaped(byte)
  return ESCAPES[byte] or ("\\%03d"):format(byte:byte())
end

---@param text string
---@return string  -- its literal
function code.text(text) return '"' .. text:gsub('[%c"\\\127]', escaped) .. '"' end

-- A pattern reads better without doubled backslashes.
function code.pattern(text)
  if not text:find("\\", 1, true) or text:find("[%c]") or text:find("]", -1, true)
    or text:find("]]", 1, true) then
    return code.text(text)
  end
  return "[[" .. text .. "]]"
end

function code.number(number)
  if number == math.floor(number) and math.abs(number) < 2^53 then return ("%d"):format(number) end
  return (("%.3f"):format(number):gsub("0+$", "")) -- linear: three digits at most
end

local RESERVED = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat "
  .. "return then true until while"):gmatch "%a+" do
  RESERVED[word] = true
end

local function is_name(text) return text:find "^[%a_][%w_]*$" ~= nil and not RESERVED[text] end

function code.key(text) return is_name(text) and text or "[" .. code.text(text) .. "]" end

-- A name for Lua, made of any text.
function code.name(text)
  local name = text:lower():gsub("[^%w]+", "_"):gsub("^_", ""):gsub("_$", ""):sub(1, 40)
  if name == "" or name:find "^%d" then name = "n" .. name end
  return RESERVED[name] and name .. "_" or name
end

-- One that is not taken yet; and takes it.
function code.free_name(taken, text)
  local base = code.name(text)
  local name, n = base, 1
  while taken[name] do
    n = n + 1
    name = base .. "_" .. n
  end
  taken[name] = true
  return name
end

-- A comment cannot end early, and is one line.
function code.comment(text) return "-- " .. text:gsub("[%c\127]", "?") end

---@class convert.table
local Table = {}
Table.__index = Table

function code.table() return setmetatable({ items = {} }, Table) end

-- value: source text, or such a table.
function Table:set(key, value)
  if value ~= nil then table.insert(self.items, { key = code.key(key), value = value }) end
  return self
end

-- With a key that is source text itself.
function Table:set_raw(key, value)
  table.insert(self.items, { key = key, value = value })
  return self
end

function Table:add(value)
  table.insert(self.items, { value = value })
  return self
end

function Table:remark(text)
  table.insert(self.items, { remark = text })
  return self
end

function Table:get(key)
  key = code.key(key)
  for _, item in ipairs(self.items) do
    if item.key == key then return item.value end
  end
end

function Table:is_empty() return #self.items == 0 end

local render

local function flat(self)
  local parts = {}
  for _, item in ipairs(self.items) do
    if item.remark then return nil end
    local value = render(item.value, 0)
    if value:find("\n", 1, true) then return nil end
    table.insert(parts, item.key and item.key .. " = " .. value or value)
  end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

local function tall(self, depth)
  local pad = ("  "):rep(depth + 1)
  local lines = { "{" }
  for _, item in ipairs(self.items) do
    if item.remark then
      table.insert(lines, pad .. code.comment(item.remark))
    else
      local key = item.key and item.key .. " = " or ""
      table.insert(lines, pad .. key .. render(item.value, depth + 1, #key) .. ",")
    end
  end
  table.insert(lines, ("  "):rep(depth) .. "}")
  return table.concat(lines, "\n")
end

function render(value, depth, used)
  if type(value) ~= "table" then return value end
  local line = flat(value)
  if line and #line + 2 * depth + (used or 0) <= WIDTH and depth > 0 then return line end
  return tall(value, depth)
end

---@param value string|convert.table
---@return string
function code.render(value, depth) return render(value, depth or 0) end

return code
