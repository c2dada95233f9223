-- neap.url: percent-encoding (RFC 3986), query arguments, URLs. The normalised path is
-- neap.text.path's.

local path = require "neap.text.path"
local readers = require("neap.runtime.seal").readers
local sorted = require "neap.sorted"

local url = { path = path.normalise, is_within = path.is_within }

local ARGS_MAX = 100

local function must_be_text(what, value)
  if type(value) ~= "string" then
    error(("neap.url.%s must be a string, not %s"):format(what, type(value)), 3)
  end
end

local BYTES, ESCAPES = {}, {}
for c = 0, 255 do
  BYTES[("%02x"):format(c)], BYTES[("%02X"):format(c)] = string.char(c), string.char(c)
  BYTES[("%x%X"):format(math.floor(c / 16), c % 16)] = string.char(c)
  BYTES[("%X%x"):format(math.floor(c / 16), c % 16)] = string.char(c)
  ESCAPES[string.char(c)] = ("%%%02X"):format(c)
end

local function unescaped(text) return (text:gsub("%%(%x%x)", BYTES)) end

---@param text string
---@return string? decoded, string? why
function url.decode(text)
  must_be_text("decode(text): text", text)
  local at = text:find "%%%X" or text:find "%%%x%X" or text:find "%%%x?$"
  if at then
    return nil, ("url: '%s' at %d is no escape"):format(text:sub(at, at + 2), at)
  end
  return unescaped(text)
end

local function encoded(text) return (text:gsub("[^%w._~-]", ESCAPES)) end

-- Everything but what is unreserved.
---@param text string
---@return string
function url.encode(text)
  must_be_text("encode(text): text", text)
  return encoded(text)
end

-- As forms do: a plus is a blank, and what is no escape stands for itself.
local function form_text(text) return unescaped((text:gsub("+", " "))) end

---@param query string?
---@param max integer?  100
---@return table<string, string>? first, {[1]: string, [2]: string}[]|string list  or why not
function url.args(query, max)
  if query == nil then return {}, {} end
  must_be_text("args(query, max): query", query)
  max = max or ARGS_MAX
  if type(max) ~= "number" or max < 1 then
    error("neap.url.args(query, max): max must be a number above 0", 2)
  end
  local first, list = {}, {}
  for item in query:gmatch "[^&]+" do
    if #list >= max then return nil, ("url: more than %d arguments"):format(max) end
    local equals = item:find("=", 1, true) or #item + 1
    local name, value = form_text(item:sub(1, equals - 1)), form_text(item:sub(equals + 1))
    table.insert(list, { name, value })
    if first[name] == nil then first[name] = value end
  end
  return first, list
end

-- The caller's line: this is called by a helper of a public function.
local function value_text(name, value)
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    error(("neap.url.query: argument '%s' is a %s (expected a text, a number or a boolean)")
      :format(tostring(name), kind), 5)
  end
  return encoded(tostring(value))
end

local function add_argument(parts, name, value)
  table.insert(parts, value_text("name", name) .. "=" .. value_text(name, value))
end

local function named(args)
  local by_name = {}
  for name, value in readers.pairs(args) do
    if type(name) == "string" then by_name[name] = value end
  end
  return by_name
end

-- The list first, then the names in order: the same arguments are the same text.
local function query_of(args)
  local parts, by_name = {}, named(args)
  for _, item in ipairs(args) do add_argument(parts, item[1], item[2]) end
  for _, name in ipairs(sorted.keys(by_name)) do
    local value = by_name[name]
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      add_argument(parts, name, one)
    end
  end
  return table.concat(parts, "&")
end

---@param args table  by name, a list for several values; or a list of { name, value }
---@return string
function url.query(args)
  if type(args) ~= "table" then
    error(("neap.url.query(args): args must be a table, not a %s"):format(type(args)), 2)
  end
  return (query_of(args))
end

local PARTS = { scheme = true, host = true, port = true, path = true, query = true }

local function check_parts(parts)
  if type(parts) ~= "table" then
    error("neap.url.build { scheme =, host =, port =, path =, query = }", 3)
  end
  for name in pairs(parts) do
    if not PARTS[name] then
      error(("neap.url.build: unknown key '%s'"):format(tostring(name)), 3)
    end
  end
  if parts.host ~= nil and not tostring(parts.host):find "^[%w.:_-]+$" then
    error(("neap.url.build: host '%s' is no host"):format(tostring(parts.host)), 3)
  end
  if parts.scheme ~= nil and not tostring(parts.scheme):find "^%a[%w+.-]*$" then
    error(("neap.url.build: scheme '%s' is no scheme"):format(tostring(parts.scheme)), 3)
  end
  local where = parts.path
  if where ~= nil and (type(where) ~= "string" or not where:find "^/[^%c ?#\127-\255]*$") then
    error(("neap.url.build: path '%s' is no path"):format(tostring(where)), 3)
  end
end

---@param parts table  scheme ("http"), host, port, path ("/"), query (a text, or as of url.query)
---@return string
function url.build(parts)
  check_parts(parts)
  local text = parts.path or "/"
  if parts.host then
    local host = parts.host:find(":", 1, true) and "[" .. parts.host .. "]" or parts.host
    local port = parts.port and ":" .. ("%d"):format(parts.port) or ""
    text = ("%s://%s%s%s"):format(parts.scheme or "http", host, port, text)
  end
  local query = parts.query
  if type(query) == "table" then query = query_of(query) end
  return query and query ~= "" and text .. "?" .. query or text
end

return url
