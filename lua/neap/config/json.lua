-- JSON configurations: a scan that knows lines, columns and duplicate keys, then lua-cjson; and the
-- format of the article, {"proxy":{"port":"8080"},"backends":[…]}.

local cjson = require "cjson"
local scan = require "neap.config.json_scan"
local show = require "neap.config.show"

local json = {}

local function fail(text, key)
  return nil, { { key = key or "", text = text } }
end

---@param bytes string
---@return any value
---@return table? errors
function json.decode(bytes)
  bytes = bytes:gsub("^\239\187\191", "")
  local errors = scan.errors(bytes)
  if #errors > 0 then return nil, errors end
  local ok, value = pcall(cjson.new().decode, bytes)
  if not ok then return fail(tostring(value)) end
  return value
end

-- The port of the article's proxy section → the listen address.
local function listen_of(proxy)
  if type(proxy) ~= "table" then
    return fail(show.value(proxy) .. " is not a table (expected { \"port\": \"8080\" })", "proxy")
  end
  for key in next, proxy do
    if key ~= "port" then
      return fail("unknown key (known here: port)", show.path("proxy", key))
    end
  end
  local port = proxy.port
  if type(port) == "number" and port % 1 == 0 then port = ("%d"):format(port) end
  local number = type(port) == "string" and port:find "^%d%d?%d?%d?%d?$" and tonumber(port)
  if not number or number > 65535 then
    local text = port == nil and "missing" or show.value(proxy.port) .. " is not a port"
    return fail(text .. " (expected a number or text from 0 to 65535)", "proxy.port")
  end
  return ":" .. port
end

-- A table in the article's format, with our keys; any other as it is.
---@param value any
---@return any
---@return table? errors
function json.from_article(value)
  if type(value) ~= "table" or value.proxy == nil then return value end
  if value.listen ~= nil or value.services ~= nil then
    return fail("'listen' or 'services' is given too (expected one of them)", "proxy")
  end
  local listen, errors = listen_of(value.proxy)
  if not listen then return nil, errors end
  value.proxy, value.listen = nil, listen
  if value.log == nil then value.log = {} end
  if type(value.log) == "table" and value.log.checks == nil then value.log.checks = "all" end
  return value
end

return json
