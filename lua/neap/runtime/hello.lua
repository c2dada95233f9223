-- The arguments of the hooks that come before requests: `hello` of `certificate`, and `connection`.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local view = require "neap.runtime.view"

local C, N = ffi.C, ffi.numbers
local state, out = current.state, current.out

local hello = {}

local function text(r, what)
  if C.neap_hello_text(r, what) == 0 then return nil end
  return out()
end

-- Each name comes after its length. A client may send anything.
local function protocols(packed)
  local names, at = {}, 1
  while at <= #packed do
    local n = packed:byte(at)
    table.insert(names, packed:sub(at + 1, at + n))
    at = at + 1 + n
  end
  return names
end

local function words(list)
  local found = {}
  for word in list:gmatch "%S+" do table.insert(found, word) end
  return found
end

local function client_ip(r)
  C.neap_request_client_ip(r)
  return out()
end

-- A table: the hook may wait, and the ClientHello does not stay so long.
---@return table
function hello.of(r)
  local alpn = text(r, N.NEAP_HELLO_ALPN)
  return {
    sni = text(r, N.NEAP_HELLO_SNI),
    alpn = alpn and protocols(alpn),
    versions = words(text(r, N.NEAP_HELLO_VERSIONS) or ""),
    ja4 = text(r, N.NEAP_HELLO_JA4),
    client_ip = client_ip(r),
  }
end

local names = {} -- of services, by their number

function hello.name_service(number, name) names[number] = name end

hello.connection = view.new("connection", function() return state.request end, {
  client_ip = client_ip,
  client_port = function(r) return r.port end,
  service = function(r) return names[r.service] end,
}, {})

return hello
