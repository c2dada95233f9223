-- A request of neap.http as it was asked for: its options looked at, its URL taken apart, its
-- bytes written.

local naming = require "neap.config.naming"
local secure = require "neap.io.secure"
local show = require "neap.config.show"

local draft = {}

local KINDS = { url = "string", method = "string", headers = "table", body = "string",
  timeout = "number", connect_timeout = "number", max_bytes = "number", stream = "boolean",
  tls = "any", http2 = "boolean" }
local PORTS = { http = 80, https = 443 }
-- What says where a message ends, or belongs to one connection: neap writes it.
local OURS = { ["content-length"] = true, ["transfer-encoding"] = true, connection = true,
  ["keep-alive"] = true, te = true, trailer = true, upgrade = true, expect = true,
  ["proxy-connection"] = true, ["http2-settings"] = true }

local function fail(text, ...) error(("http: " .. text):format(...), 0) end

local function check_number(options, name, least)
  local value = options[name]
  if value ~= nil and not (value >= least and value < math.huge) then
    fail("%s must be a number from %g on, and this is %s", name, least, show.value(value))
  end
end

local function check_options(options)
  if type(options) ~= "table" then fail "the options must be a table: { url =, … }" end
  local fault = naming.fault(options, KINDS)
  if fault then fail("%s", fault) end
  secure.check(options.tls, "http", -1)
  check_number(options, "timeout", 0)
  check_number(options, "connect_timeout", 0)
  check_number(options, "max_bytes", 0)
end

local function split_url(into, url)
  if type(url) ~= "string" then fail "url must be a string" end
  local scheme, authority, target = url:match "^(https?)://([^/?#]+)([^#]*)"
  if not authority or authority:find "[@%c%s]" then
    fail("'%s' is not a URL like http://host:port/path", url)
  end
  if target:sub(1, 1) ~= "/" then target = "/" .. target end
  if target:find "[%c%s\128-\255]" then fail("'%s' has bytes a URL cannot have", url) end
  local host, port = authority:match "^(.-):(%d+)$"
  host = host or authority
  into.name, into.port = host:match "^%[(.*)%]$" or host, tonumber(port) or PORTS[scheme]
  into.host, into.target, into.is_secure = authority, target, scheme == "https"
end

local function add_header(lines, name, value)
  value = tostring(value)
  if type(name) ~= "string" or not name:find "^[%w!#$%%&'*+.^_`|~-]+$" or value:find "[%z\r\n]" then
    fail("'%s' is not a header", tostring(name))
  end
  if OURS[name:lower()] then fail("the header '%s' is neap's own: it cannot be set", name) end
  table.insert(lines, name .. ": " .. value)
end

local function head_of(into, options)
  local lines, has_host = { ("%s %s HTTP/1.1"):format(into.method, into.target) }, false
  for name, value in pairs(options.headers or {}) do
    has_host = has_host or tostring(name):lower() == "host"
    add_header(lines, name, value)
  end
  if not has_host then table.insert(lines, "Host: " .. into.host) end
  if into.body ~= "" or into.method == "POST" or into.method == "PUT" then
    table.insert(lines, "Content-Length: " .. #into.body)
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- Raises an error without a place for a mistake of who asked.
---@param options table  of neap.http.request
---@return table  name, port, host (as in Host), target, is_secure, method, head, body, options
function draft.new(options)
  check_options(options)
  local into = { options = options, method = options.method or "GET", body = options.body or "" }
  split_url(into, options.url)
  if not into.method:find "^%u+$" then fail "method must be upper-case letters" end
  into.may_h2 = options.http2 or into.is_secure and options.http2 == nil
  into.is_head = into.method == "HEAD"
  into.head = head_of(into, options)
  return into
end

return draft
