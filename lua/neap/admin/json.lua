-- JSON as the admin side writes it: lists are marked, so that an empty one is [], and text that is
-- not UTF-8 is still written as text. neap.json reads JSON.

local buffer = require "neap.admin.buffer"
local digits = require "neap.digits"
local utf8 = require "neap.config.utf8"

local json = {}

local List, Raw = {}, {}

-- A text that is JSON already.
function json.raw(text) return setmetatable({ text = text }, Raw) end

---@return table  the same, which is written as a list
function json.list(t) return setmetatable(t or {}, List) end

json.null = setmetatable({}, { __tostring = function() return "null" end })

local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(c) return SHORT[c] or ("\\u%04x"):format(c:byte()) end

---@return string  -- with U+FFFD for what is not UTF-8
function json.valid(text) return utf8.mended(text, "\239\191\189") end

local function quote(text)
  if text:find "[\128-\255]" then text = json.valid(text) end
  if text:find '[%c"\\\127]' then text = text:gsub('[%c"\\\127]', escape) end
  if text:find "\194[\128-\159]" then -- C1: on many terminals the beginning of a command
    text = text:gsub("\194([\128-\159])", escape)
  end
  return '"' .. text .. '"'
end

local function number(n)
  if n ~= n or n == math.huge or n == -math.huge then return "null" end
  return digits(n)
end

local encode

local function encode_list(list, out)
  out:put "["
  for i = 1, #list do
    if i > 1 then out:put "," end
    encode(list[i], out)
  end
  out:put "]"
end

local function encode_map(map, out)
  local is_first = true
  out:put "{"
  for key, value in next, map do
    out:put(is_first and "" or ",", quote(tostring(key)), ":")
    encode(value, out)
    is_first = false
  end
  out:put "}"
end

function encode(value, out)
  local kind = type(value)
  if kind == "string" then
    out:put(quote(value))
  elseif kind == "number" then
    out:put(number(value))
  elseif value == json.null then
    out:put "null"
  elseif kind ~= "table" then
    out:put(tostring(value))
  elseif getmetatable(value) == Raw then
    out:put(value.text)
  elseif getmetatable(value) == List then
    encode_list(value, out)
  else
    encode_map(value, out)
  end
end

---@return string
function json.encode(value)
  local out = buffer.new()
  encode(value, out)
  return out:get()
end

json.quote = quote

return json
