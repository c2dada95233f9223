-- neap.json: encode and decode, which return nil and a reason when they fail, and null.
--
-- Reading is lua-cjson's. Writing is done here: cjson keeps 14 digits of a number, which cuts ids
-- and times, and a buffer of its own, which no limit on Lua's memory counts.

local cjson = require "cjson.safe"
local digits = require "neap.digits"
local readers = require("neap.runtime.seal").readers

local json = { decode = cjson.decode, null = cjson.null }

local DEPTH_MAX = 1000
local SPARSE_MIN, SPARSE_RATIO = 10, 2 -- a list with so many holes is a mistake

local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["/"] = "\\/", ["\b"] = "\\b", ["\f"] = "\\f",
  ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(c) return SHORT[c] or ("\\u%04x"):format(c:byte()) end

local function quoted(text) return '"' .. text:gsub('[%c"\\/\127]', escape) .. '"' end

local function fail(what, why) error(("Cannot serialise %s: %s"):format(what, why), 0) end

local function number(n)
  if n ~= n or n == math.huge or n == -math.huge then fail("number", "must not be NaN or Inf") end
  return digits(n)
end

-- The length of a list with its holes; nil: it is no list.
local function length(t)
  local last, count = 0, 0
  for key in readers.pairs(t) do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then return nil end
    last, count = math.max(last, key), count + 1
  end
  if last > SPARSE_MIN and last > count * SPARSE_RATIO then
    fail("table", "excessively sparse array")
  end
  return count > 0 and last or nil
end

local write

local function write_list(out, t, n, depth)
  out[#out + 1] = "["
  for i = 1, n do
    if i > 1 then out[#out + 1] = "," end
    write(out, t[i], depth)
  end
  out[#out + 1] = "]"
end

local function write_object(out, t, depth)
  local separator = "{"
  for key, value in readers.pairs(t) do
    local kind = type(key)
    if kind ~= "string" and kind ~= "number" then
      fail(kind, "table key must be a number or string")
    end
    out[#out + 1] = separator
    out[#out + 1] = quoted(kind == "number" and number(key) or key)
    out[#out + 1] = ":"
    write(out, value, depth)
    separator = ","
  end
  out[#out + 1] = separator == "{" and "{}" or "}"
end

function write(out, value, depth)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = quoted(value)
  elseif kind == "number" then
    out[#out + 1] = number(value)
  elseif kind == "boolean" then
    out[#out + 1] = tostring(value)
  elseif value == nil or value == json.null then
    out[#out + 1] = "null"
  elseif kind ~= "table" then
    fail(kind, "type not supported")
  else
    if depth >= DEPTH_MAX then fail("table", "it is nested too deep") end
    local n = length(value)
    if n then return write_list(out, value, n, depth + 1) end
    return write_object(out, value, depth + 1)
  end
end

local function encoded(value)
  local out = {}
  write(out, value, 0)
  return table.concat(out)
end

---@param value any
---@return string? text, string? why
function json.encode(value)
  local ok, text = pcall(encoded, value)
  if ok then return text end
  return nil, text
end

return json
