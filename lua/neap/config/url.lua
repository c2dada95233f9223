-- Backend URLs: "http://host:port/base", "tcp://host:port", "unix:/path".

local address = require "neap.config.address"
local room = require "neap.config.room"
local show = require "neap.config.show"
local trim = require "neap.trim"
local utf8 = require "neap.config.utf8"

local url = {}

local URL_MAX, BASE_MAX = room.url, room.base
local PORTS = { http = 80, https = 443, tcp = false, tls = false, udp = false }

local function split_authority(text)
  local v6, rest = text:match "^%[(.-)%](.*)$"
  if v6 then
    if v6:find "%%" then return nil, "zones of IPv6 addresses are not supported" end
    if not address.is_ipv6(v6) then
      return nil, "'" .. show.text(v6) .. "' is not an IPv6 address"
    end
    if rest ~= "" and rest:sub(1, 1) ~= ":" then return nil, "only a port may follow the ]" end
    return v6:lower(), rest ~= "" and rest:sub(2) or nil
  end
  if select(2, text:gsub(":", "")) > 1 then return nil, "an IPv6 address stands in brackets" end
  local host, port = text:match "^([^:]*):?(.*)$"
  local ok, why = address.check_host(host)
  if not ok then return nil, why end
  return host:lower(), text:find ":" and port or nil
end

local function check_base(base)
  if #base > BASE_MAX then return nil, ("the path is longer than %d bytes"):format(BASE_MAX) end
  if base:find "[^%w%-._~!$&'()*+,;=:@%%/]" then
    return nil, "the path has bytes that must be percent-encoded"
  end
  if base:gsub("%%%x%x", ""):find "%%" then
    return nil, "the path has a % without two hex digits"
  end
  return trim.slashes(base)
end

local function parse_unix(text)
  local path = text:sub(6)
  local ok, why = address.check_unix(path)
  if not ok then return nil, why end
  if utf8.invalid_at(path) then return nil, "the path is not UTF-8" end
  return { url = text, scheme = "http", host = "", port = 0, base = "", path = path, name = text }
end

-- Parts that a URL must not have here: it names a server, not a page or a user.
local function check_extras(rest)
  if rest:find "%?" then return nil, "a query has no place in a backend's URL" end
  if rest:find "#" then return nil, "a fragment has no place in a backend's URL" end
  if rest:match "^[^/]*":find "@" then return nil, "a user or password has no place here" end
  return true
end

local function check_scheme(scheme)
  if PORTS[scheme] == nil then
    return nil, "'" .. show.text(scheme) .. "' is not a known scheme"
  end
  return true
end

-- Parts that only some schemes have: a path, a default port.
local function check_parts(scheme, base, port)
  if not port then return nil, "the port is missing" end
  if PORTS[scheme] == false and base ~= "" then
    return nil, scheme .. ":// has no path"
  end
  return true
end

local function default_name(host, port, base)
  return address.with_port(host, port) .. base
end

-- The number; false when the scheme has none of its own. nil and why when it is not one.
local function port_of(scheme, text)
  if text == nil then return PORTS[scheme] end
  local port = address.port(text, 1)
  if port then return port end
  return nil, "'" .. show.text(text) .. "' is not a port (1-65535)"
end

---@param text string
---@return table? parts  { url, scheme, host, port, base, path, name }
---@return string? why
function url.parse(text)
  if text == "" then return nil, "the URL is empty" end
  if #text > URL_MAX then return nil, ("the URL is longer than %d bytes"):format(URL_MAX) end
  if text:find "[%c ]" then return nil, "blanks and control characters have no place in a URL" end
  if text:find "^unix:" then return parse_unix(text) end
  local scheme, rest = text:match "^([%a][%w+.%-]*)://(.*)$"
  if not scheme then return nil, "the scheme is missing" end
  scheme = scheme:lower()
  local ok, why = check_scheme(scheme)
  if ok then ok, why = check_extras(rest) end
  if not ok then return nil, why end
  local authority, base = rest:match "^([^/]*)(.*)$"
  local host, port_text = split_authority(authority)
  if not host then return nil, port_text end
  local port
  port, why = port_of(scheme, port_text)
  if port == nil then return nil, why end
  base, why = check_base(base)
  if base then ok, why = check_parts(scheme, base, port) end
  if not base or not ok then return nil, why end
  return {
    url = text,
    scheme = scheme,
    host = host,
    port = port,
    base = base,
    path = "",
    name = default_name(host, port, base),
  }
end

return url
