-- Addresses as text: IP literals, host names, listen addresses, CIDR ranges. Nothing is resolved.

local room = require "neap.config.room"
local show = require "neap.config.show"

local address = {}

local UNIX_PATH_MAX = room.path
local HOST_MAX = room.host

-- Four decimal bytes without leading zeros; their numbers, or nil.
local function ipv4_bytes(text)
  local bytes = { text:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$" }
  if #bytes ~= 4 then return nil end
  for i, digits in ipairs(bytes) do
    bytes[i] = tonumber(digits)
    local padded = #digits > 1 and digits:sub(1, 1) == "0"
    if #digits > 3 or bytes[i] > 255 or padded then return nil end
  end
  return bytes
end

-- "a:b:c" → its groups appended to `to`; the last may be an IPv4 address.
local function ipv6_groups(text, to, is_last)
  if text == "" then return true end
  local at = 1
  while true do
    local colon = text:find(":", at, true)
    local group = text:sub(at, colon and colon - 1)
    local v4 = not colon and is_last and ipv4_bytes(group)
    if v4 then
      table.insert(to, v4[1] * 256 + v4[2])
      table.insert(to, v4[3] * 256 + v4[4])
    elseif group:find "^%x%x?%x?%x?$" then
      table.insert(to, tonumber(group, 16))
    else
      return false
    end
    if not colon then return true end
    at = colon + 1
  end
end

-- Eight numbers, or nil (RFC 4291 §2.2).
local function ipv6_numbers(text)
  local head, tail = text:match "^(.-)::(.*)$"
  local groups, rest = {}, {}
  if not ipv6_groups(head or text, groups, not head) or #text > 45 then return nil end
  if not head then return #groups == 8 and text ~= "" and groups or nil end
  if not ipv6_groups(tail, rest, true) or #groups + #rest > 7 then return nil end
  for _ = 1, 8 - #groups - #rest do table.insert(groups, 0) end
  for _, group in ipairs(rest) do table.insert(groups, group) end
  return groups
end

---@param text string
---@return boolean
function address.is_ipv4(text) return ipv4_bytes(text) ~= nil end

---@param text string  without brackets
---@return boolean
function address.is_ipv6(text) return ipv6_numbers(text) ~= nil end

local function is_label(label)
  return #label >= 1 and #label <= 63 and label:find "^[%w_%-]+$" ~= nil
    and not label:find "^%-" and not label:find "%-$"
end

-- A host name or IPv4 address (RFC 1123 §2.1, and the underscore that container names have).
---@param text string
---@return boolean|nil ok
---@return string? why
function address.check_host(text)
  if text == "" then return nil, "the host is missing" end
  if #text > HOST_MAX then return nil, ("the host is longer than %d bytes"):format(HOST_MAX) end
  if address.is_ipv4(text) then return true end
  local name = text:gsub("%.$", "")
  -- linear: the text ends in the parts looked for
  for label in (name .. "."):gmatch "([^.]*)%." do
    if not is_label(label) then return nil, "'" .. show.text(text) .. "' is not a host name" end
  end
  if name:find "^[%d.]+$" then return nil, "'" .. show.text(text) .. "' is not an IPv4 address" end
  return true
end

-- "192.0.2.1:514" or "[2001:db8::1]:514".
---@param text string
---@return boolean
function address.is_ip_and_port(text)
  local host, port = text:match "^([%d.]+):(%d+)$"
  if host then return address.is_ipv4(host) and address.port(port, 1) ~= nil end
  host, port = text:match "^%[([%x:.]+)%]:(%d+)$"
  return host ~= nil and address.is_ipv6(host) and address.port(port, 1) ~= nil
end

-- Decimal digits only.
---@param text string
---@param least integer
---@return integer?
function address.port(text, least)
  if not text:find "^%d%d?%d?%d?%d?$" then return nil end
  local port = tonumber(text)
  return port >= least and port <= 65535 and port or nil
end

---@param path string
---@return boolean|nil ok
---@return string? why
function address.check_unix(path)
  if path:sub(1, 1) ~= "/" then return nil, "the path of a unix socket begins with /" end
  if #path > UNIX_PATH_MAX then
    return nil, ("the path of a unix socket has at most %d bytes"):format(UNIX_PATH_MAX)
  end
  if path:find "%c" or path:sub(-1) == "/" then return nil, "this is no path of a socket" end
  return true
end

-- The IPv4 address in ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2), or nil.
local function mapped_ipv4(numbers)
  if table.concat(numbers, ":", 1, 6) ~= "0:0:0:0:0:65535" then return nil end
  local high, low = numbers[7], numbers[8]
  local first, third = math.floor(high / 256), math.floor(low / 256)
  return ("%d.%d.%d.%d"):format(first, high % 256, third, low % 256)
end

local function listen_unix(text)
  local ok, why = address.check_unix(text:sub(6))
  if not ok then return nil, why end
  return { text = text, identity = text }
end

-- Somebody took it for a URL.
local function refuse_scheme(scheme, rest)
  local secure = scheme == "https" or scheme == "tls"
  rest = rest:match "^[^/]*"
  if not rest:find ":%d+$" then rest = rest .. (secure and ":443" or ":80") end
  return ("an address has no scheme: write '%s'%s"):format(show.text(rest),
    secure and ", and tls = { … } in the service" or "")
end

local function listen_ip(text)
  local scheme, rest = text:match "^(%a[%w+.-]*)://(.*)$"
  if scheme then return nil, refuse_scheme(scheme, rest) end
  local v6, port6 = text:match "^%[(.-)%]:(.*)$"
  if v6 then
    local numbers = ipv6_numbers(v6)
    if not numbers then return nil, "'" .. show.text(v6) .. "' is not an IPv6 address" end
    return mapped_ipv4(numbers) or table.concat(numbers, ":"), port6
  end
  local host, port = text:match "^([^:]*):([^:]*)$"
  if not host then
    local is_bare = not text:find "^%[" and select(2, text:gsub(":", "")) > 1
    return nil, is_bare and "an IPv6 address stands in brackets"
      or "the port is missing" .. (text ~= "" and ", as in '" .. show.text(text) .. ":8080'" or "")
  end
  if host == "" or host == "*" then return "*", port end
  if not address.is_ipv4(host) then
    return nil, ("'%s' is not an IP address (names are not resolved here)"):format(show.text(host))
  end
  return host, port
end

-- An address to listen on: `text` for the sockets, `identity` equal for
-- equal addresses, nil where the system chooses the port. A port alone means any address;
-- localhost means 127.0.0.1; an IPv4 address in the form of IPv6 is that IPv4 address.
---@param value string|number
---@return {text: string, identity: string?}?
---@return string? why
function address.listen(value)
  local text = tostring(value)
  if text:find "^unix:" then return listen_unix(text) end
  if text:find "^%d+$" then text = ":" .. text end
  text = text:gsub("^localhost:", "127.0.0.1:")
  local host, port_text = listen_ip(text)
  if not host then return nil, port_text end
  local port = address.port(port_text, 0)
  if not port then return nil, "'" .. show.text(port_text) .. "' is not a port (0-65535)" end
  return {
    text = address.is_ipv4(host) and host .. ":" .. port or text,
    host = host,
    port = port,
    identity = port ~= 0 and host .. ":" .. port or nil,
  }
end

-- IPv6 in brackets, as in a URL.
---@param host string
---@param port integer|string
---@return string
function address.with_port(host, port)
  return (host:find(":", 1, true) and "[%s]:%s" or "%s:%s"):format(host, tostring(port))
end

local ANY = { ["*"] = true, ["0.0.0.0"] = true, ["0:0:0:0:0:0:0:0"] = true }

-- Do both claim the same port of the same address? (":80" and "0.0.0.0:80" do.) Datagrams have
-- ports of their own.
function address.collide(a, b)
  if (a.is_udp or false) ~= (b.is_udp or false) then return false end
  if not a.identity or not b.identity then return false end
  if a.identity == b.identity then return true end
  return a.port ~= nil and a.port == b.port
    and ((a.host == "*" and ANY[b.host]) or (b.host == "*" and ANY[a.host])) == true
end

-- "10.0.0.0/8", "2001:db8::/32", one address, or "unix".
---@param text string
---@return boolean|nil ok
---@return string? why
function address.check_cidr(text)
  if text == "unix" then return true end
  local ip, bits = text:match "^([^/]*)/(%d+)$"
  ip = ip or text
  local most = address.is_ipv4(ip) and 32 or address.is_ipv6(ip) and 128
  if not most then return nil, "this is not an IP address or range" end
  if bits and (#bits > 3 or tonumber(bits) > most) then
    return nil, ("a prefix of this address has 0 to %d bits"):format(most)
  end
  return true
end

return address
