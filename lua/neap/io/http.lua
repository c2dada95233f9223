-- neap.http.get and neap.http.request: one request over a connection of its own, in a waiting hook.

local tcp = require "neap.io.tcp"
local wait = require "neap.runtime.wait"

local http = {}

local BODY_MAX = 1024 * 1024
local KEYS = { url = true, method = true, headers = true, body = true, timeout = true,
  max_bytes = true }

-- address, Host, target
local function split_url(url)
  if type(url) ~= "string" then error("http: url must be a string", 4) end
  if url:find "^https:" then error("http: https:// is not supported yet", 4) end
  local authority, target = url:match "^http://([^/?#]+)([^#]*)"
  if not authority or authority:find "[@%c%s]" then
    error(("http: '%s' is not a URL like http://host:port/path"):format(url), 4)
  end
  if target:sub(1, 1) ~= "/" then target = "/" .. target end
  if target:find "[%c%s\128-\255]" then error(("http: '%s' has bytes a URL cannot have")
    :format(url), 4) end
  local address = authority:find ":%d+$" and authority or authority .. ":80"
  return address, authority, target
end

local function add_header(lines, name, value)
  value = tostring(value)
  if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+.^_`|~-]+$" or value:find "[%z\r\n]" then
    error(("http: '%s' is not a header"):format(tostring(name)), 4)
  end
  table.insert(lines, name .. ": " .. value)
end

local function request_bytes(options, host, target)
  local method = options.method or "GET"
  if type(method) ~= "string" or not method:find "^%u+$" then
    error("http: method must be upper-case letters", 3)
  end
  local lines, has_host = { ("%s %s HTTP/1.1"):format(method, target) }, false
  for name, value in pairs(options.headers or {}) do
    has_host = has_host or tostring(name):lower() == "host"
    add_header(lines, name, value)
  end
  if not has_host then table.insert(lines, "Host: " .. host) end
  local body = options.body or ""
  if body ~= "" or method == "POST" or method == "PUT" then
    table.insert(lines, "Content-Length: " .. #body)
  end
  table.insert(lines, "Connection: close")
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body, method == "HEAD"
end

-- By lower-case name; several values joined by ", ".
---@param text string  header lines
---@return table<string, string>
function http.parse_headers(text)
  local headers = {}
  for name, value in text:gmatch "([^:\r\n]+):[ \t]*([^\r\n]*)\r\n" do
    name, value = name:lower(), value:gsub("[ \t]+$", "")
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  return headers
end

local function check_options(options)
  if type(options) ~= "table" then error("http.request { url =, … }", 3) end
  for key in pairs(options) do
    if not KEYS[key] then error(("http: unknown option '%s'"):format(tostring(key)), 3) end
  end
  if options.body ~= nil and type(options.body) ~= "string" then
    error("http: body must be a string", 3)
  end
end

local function exchange(options)
  local address, host, target = split_url(options.url)
  local bytes, is_head = request_bytes(options, host, target)
  local conn, why = tcp.connect(address, options.timeout)
  if not conn then return nil, why end
  local ok
  ok, why = conn:send(bytes, options.timeout)
  if not ok then
    conn:close()
    return nil, why
  end
  local max = options.max_bytes or BODY_MAX
  local status, headers, body = conn:receive_response(is_head, max, options.timeout)
  conn:close()
  if not status then return nil, headers end
  return { status = status, headers = http.parse_headers(headers), body = body }
end

-- options: url; method ("GET"), headers, body, timeout (seconds, for each of connecting, sending
-- and receiving), max_bytes (of the answer's body, 1 MiB).
---@return {status: number, headers: table<string, string>, body: string}? answer, string? why
function http.request(options)
  wait.check "neap.http.request"
  check_options(options)
  return exchange(options)
end

---@param url string
---@param options table?
function http.get(url, options)
  wait.check "neap.http.get"
  local all = { url = url }
  for key, value in pairs(options or {}) do all[key] = value end
  check_options(all)
  return exchange(all)
end

return http
