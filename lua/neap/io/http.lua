-- neap.http.get and neap.http.request: one request over a connection of its own, in a waiting hook.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local secure = require "neap.io.secure"
local tcp = require "neap.io.tcp"
local trim = require "neap.trim"
local wait = require "neap.runtime.wait"

local C = ffi.C

local http = {}

local BODY_MAX = 1024 * 1024
local KEYS = { url = true, method = true, headers = true, body = true, timeout = true,
  max_bytes = true, tls = true }
local PORTS = { http = 80, https = 443 }

-- host, port, Host, target, is it over TLS?
local function split_url(url)
  if type(url) ~= "string" then error("http: url must be a string", 4) end
  local scheme, authority, target = url:match "^(https?)://([^/?#]+)([^#]*)"
  if not authority or authority:find "[@%c%s]" then
    error(("http: '%s' is not a URL like http://host:port/path"):format(url), 4)
  end
  if target:sub(1, 1) ~= "/" then target = "/" .. target end
  if target:find "[%c%s\128-\255]" then error(("http: '%s' has bytes a URL cannot have")
    :format(url), 4) end
  local host, port = authority:match "^(.-):(%d+)$"
  host = host or authority
  return host:match "^%[(.*)%]$" or host, tonumber(port) or PORTS[scheme], authority, target,
    scheme == "https"
end

local function add_header(lines, name, value)
  value = tostring(value)
  if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+.^_`|~-]+$" or value:find "[%z\r\n]" then
    error(("http: '%s' is not a header"):format(tostring(name)), 4)
  end
  table.insert(lines, name .. ": " .. value)
end

local function request_bytes(options, host, target, is_kept)
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
  if not is_kept then table.insert(lines, "Connection: close") end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body, method == "HEAD"
end

-- By lower-case name; several values joined by ", ".
---@param text string  header lines
---@return table<string, string>
function http.parse_headers(text)
  local headers = {}
  for line in text:gmatch "[^\r\n]+" do
    local name, value = line:match "^([^:]+):(.*)$"
    if name then
      name, value = name:lower(), trim.field(value)
      local list = headers[name] or {}
      headers[name], list[#list + 1] = list, value
    end
  end
  for name, list in pairs(headers) do headers[name] = table.concat(list, ", ") end
  return headers
end

local function check_options(options)
  if type(options) ~= "table" then error("http.request { url =, … }", 3) end
  for key in pairs(options) do
    if not KEYS[key] then error(("http: unknown option '%s'"):format(tostring(key)), 3) end
  end
  secure.check(options.tls, "http", 3)
  if options.body ~= nil and type(options.body) ~= "string" then
    error("http: body must be a string", 3)
  end
end

local function connect(host, port, options, is_secure)
  if port < 1 or port > 65535 then return nil, ("there is no port %d"):format(port) end
  return tcp.dial(host, port, options.timeout, is_secure and (options.tls or true))
end

-- What a kept connection must be the same in: the server, and on which terms TLS is spoken with it.
local function key_of(host, port, tls)
  local words = { host, port }
  for _, name in ipairs { "server_name", "ca", "certificate", "key" } do
    table.insert(words, type(tls) == "table" and tls[name] or "")
  end
  table.insert(words, tostring(type(tls) == "table" and tls.verify == false))
  local text = table.concat(words, "\0")
  C.neap_hmac("", 0, text, #text)
  return current.out()
end

-- status, headers, body; nil and why
local function talk(conn, bytes, is_head, options)
  local ok, why = conn:send(bytes, options.timeout)
  if not ok then return nil, why end
  return conn:receive_response(is_head, options.max_bytes or BODY_MAX, options.timeout)
end

-- RFC 9110 §9.2.2: what may be sent twice.
local REPEATABLE = { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true,
  DELETE = true }

local function talk_and_keep(conn, key, bytes, is_head, options)
  local status, headers, body = talk(conn, bytes, is_head, options)
  if key and status then conn:keep(key) else conn:close() end
  return status, headers, body
end

-- Over a kept connection, which may have ended unseen: what may be sent twice is sent over a fresh
-- one then. The rest only goes over one that stands for sure, as with backends.
local function exchange_bytes(name, port, options, key, bytes, is_head)
  local is_repeatable = REPEATABLE[options.method or "GET"]
  local kept = key and tcp.reuse(key, not is_repeatable)
  if kept then
    local status, headers, body = talk_and_keep(kept, key, bytes, is_head, options)
    if status or not is_repeatable then return status, headers, body end
  end
  local conn, why = connect(name, port, options, key ~= nil)
  if not conn then return nil, why end
  return talk_and_keep(conn, key, bytes, is_head, options)
end

local function exchange(options)
  local name, port, host, target, is_secure = split_url(options.url)
  local bytes, is_head = request_bytes(options, host, target, is_secure)
  local key = is_secure and key_of(name, port, options.tls) or nil
  local status, headers, body = exchange_bytes(name, port, options, key, bytes, is_head)
  if not status then return nil, headers end
  return { status = status, headers = http.parse_headers(headers), body = body }
end

-- options: url; method ("GET"), headers, body, timeout (seconds, for each of connecting, sending
-- and receiving), max_bytes (of the answer's body, 1 MiB), tls (of https://: a table with verify,
-- ca, server_name, certificate, key; PEM texts).
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
