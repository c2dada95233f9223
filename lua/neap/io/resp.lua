-- The protocol of Redis, RESP2 and RESP3, as a client speaks it: commands to bytes, and replies,
-- which are read in pieces from whoever gives them. Nothing that a server says is believed: depth
-- and size are bounded, and what is not the protocol ends it.

local digits = require "neap.digits"
local json = require "neap.json"

local resp = {}

local DEPTH_MAX = 32
local PAUSE = 2000 -- elements; more of them at once would hold the loop
local EXACT = 2 ^ 53

local NULL = json.null -- in lists and maps
resp.null = NULL

---@param value any  of a command
---@return string?  nil: it cannot be sent
function resp.text(value)
  if type(value) == "string" then return value end
  if type(value) ~= "number" or value ~= value or value - value ~= 0 then return nil end
  return digits(value)
end

---@param words string[]  of a command
---@return string
function resp.command(words)
  local parts = { ("*%d\r\n"):format(#words) }
  for i, word in ipairs(words) do parts[i + 1] = ("$%d\r\n%s\r\n"):format(#word, word) end
  return table.concat(parts)
end

local function broken(what)
  error({ why = "the server broke the protocol of Redis: " .. what }, 0)
end

-- A length, of bytes or elements; nil: a null of RESP2.
local function length(text)
  if text == "-1" then return nil end
  if not text:find "^%d+$" or #text > 10 then broken "a bad length" end
  return tonumber(text)
end

local function integer(text)
  if not text:find "^[+-]?%d+$" or #text > 20 then broken "a bad integer" end
  local value = tonumber(text)
  return value > -EXACT and value < EXACT and value or text
end

local DOUBLES = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 }

local function double(text)
  local value = DOUBLES[text]
  if not value and not text:find "[^%d.eE+-]" then value = tonumber(text) end
  if not value then broken "a bad number" end
  return value
end

local function bulk(source, text)
  local n = length(text)
  if not n then return NULL end
  local bytes = source:bytes(n + 2)
  if bytes:sub(-2) ~= "\r\n" then broken "a string of another length" end
  return bytes:sub(1, -3)
end

local read

local function elements(source, n, depth)
  local list = {}
  for i = 1, n do list[i] = read(source, depth + 1) end
  return list
end

local function map(source, n, depth)
  local values = {}
  for _ = 1, n do
    local key = read(source, depth + 1)
    local kind = type(key)
    if kind ~= "string" and kind ~= "boolean" and (kind ~= "number" or key ~= key) then
      broken "a key that is no text"
    end
    values[key] = read(source, depth + 1)
  end
  return values
end

local function aggregate(reader)
  return function(source, text, depth)
    local n = length(text)
    if not n then return NULL end
    if n > source.left then source.too_large() end -- each element has bytes of its own
    return reader(source, n, depth)
  end
end

local function as_it_is(_, text) return text end
local function failure(_, text) return { err = text } end

local KINDS = {
  ["+"] = as_it_is,
  ["-"] = failure,
  [":"] = function(_, text) return integer(text) end,
  ["$"] = bulk,
  ["*"] = aggregate(elements),
  ["~"] = aggregate(elements),
  ["%"] = aggregate(map),
  ["_"] = function(_, text) return text == "" and NULL or broken "a bad null" end,
  ["#"] = function(_, text)
    if text ~= "t" and text ~= "f" then broken "a bad boolean" end
    return text == "t"
  end,
  [","] = function(_, text) return double(text) end,
  ["("] = function(_, text)
    if not text:find "^[+-]?%d+$" then broken "a bad integer" end
    return text
  end,
  ["!"] = function(source, text) return { err = bulk(source, text) } end,
  ["="] = function(source, text)
    local value = bulk(source, text)
    if type(value) ~= "string" or value:sub(4, 4) ~= ":" then broken "a bad verbatim string" end
    return value:sub(5)
  end,
}

-- What is said beside the replies: attributes, and what nobody asked for.
local ASIDE = { ["|"] = aggregate(map), [">"] = aggregate(elements) }

function read(source, depth)
  if depth > DEPTH_MAX then broken "lists nest too deep" end
  while true do
    source.elements = source.elements + 1
    if source.elements % PAUSE == 0 then source.pause() end
    local line = source:line()
    local kind, text = line:sub(1, 1), line:sub(2)
    local aside = ASIDE[kind]
    if not aside then
      local reader = KINDS[kind]
      if not reader then broken "a reply of no known kind" end
      return reader(source, text, depth)
    end
    aside(source, text, depth + 1)
  end
end

---@class neap.resp.source  gives bytes, or raises { why = … }
---@field left integer  bytes that may still come
---@field n integer  bytes that came
---@field elements integer

local Source = {}
Source.__index = Source

local function take(self, bytes, why, more)
  if not bytes then error({ why = why }, 0) end
  local n = #bytes + more
  self.n, self.left = self.n + n, self.left - n
  if self.left < 0 then self.too_large() end
  return bytes
end

function Source:line()
  local line, why = self.receive "line"
  return take(self, line, why, 2)
end

function Source:bytes(n)
  if n > self.left then self.too_large() end
  local bytes, why = self.receive(n)
  return take(self, bytes, why, 0)
end

function Source.too_large() error({ why = "the answer is too large" }, 0) end

---@param receive fun(what: "line"|integer): string?, string?
---@param max integer  bytes of all replies
---@param pause fun()  lets others have their turn
---@return neap.resp.source
function resp.source(receive, max, pause)
  return setmetatable({ receive = receive, left = max, n = 0, elements = 0, pause = pause }, Source)
end

-- One reply. Null is resp.null, an error of the server { err = … }.
---@param source neap.resp.source
---@return boolean ok, any value_or_why
function resp.read(source)
  local ok, value = pcall(read, source, 1)
  if ok then return true, value end
  if type(value) == "table" and value.why then return false, value.why end
  error(value, 0)
end

return resp
