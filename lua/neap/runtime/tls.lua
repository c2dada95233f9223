-- `request.tls`: what is known of a client's TLS, ended here or in front of us. One object for all
-- requests, which asks C when it is asked.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local view = require "neap.runtime.view"

local C, N = ffi.C, ffi.numbers
local state, out = current.state, current.out

local tls = {}

local looked = ffi.new "neap_tls_seen"

local function text(what)
  return function(r)
    if C.neap_tls_text(r, what) == 0 then return nil end
    return out()
  end
end

-- Each name comes after its length, two bytes.
local function names_in(packed)
  local names, at = {}, 1
  while at < #packed do
    local n = packed:byte(at) * 256 + packed:byte(at + 1)
    table.insert(names, packed:sub(at + 2, at + 1 + n))
    at = at + 2 + n
  end
  return names
end

local packed_names = text(N.NEAP_TLS_TEXT_NAMES)

-- The request that runs, if it came over TLS.
local function subject()
  local r = state.request
  if r == nil or C.neap_tls_look(r, looked) == 0 then return nil end
  return r
end

local function subject_with_client()
  local r = subject()
  return r ~= nil and looked.has_client == 1 and r or nil
end

local client = view.new("request.tls.client", subject_with_client, {
  subject = text(N.NEAP_TLS_TEXT_SUBJECT),
  issuer = text(N.NEAP_TLS_TEXT_ISSUER),
  serial = text(N.NEAP_TLS_TEXT_SERIAL),
  names = function(r) return names_in(packed_names(r) or "") end,
  fingerprint = text(N.NEAP_TLS_TEXT_FINGERPRINT),
  not_after = function(r)
    local time = C.neap_tls_not_after(r)
    return time > 0 and time or nil
  end,
  verified = function() return looked.verified == 1 end,
  error = text(N.NEAP_TLS_TEXT_ERROR),
}, {})

local asked_name = text(N.NEAP_TLS_TEXT_SNI)

local object = view.new("request.tls", subject, {
  version = text(N.NEAP_TLS_TEXT_VERSION),
  cipher = text(N.NEAP_TLS_TEXT_CIPHER),
  sni = function(r)
    local name = asked_name(r)
    return name and (name:lower():gsub("%.$", ""))
  end,
  alpn = text(N.NEAP_TLS_TEXT_ALPN),
  resumed = function() return looked.resumed == 1 end,
  ja4 = text(N.NEAP_TLS_TEXT_JA4),
  client = function() return looked.has_client == 1 and client or nil end,
}, {})

---@return any  nil: the request came in the clear
function tls.of(r)
  if C.neap_tls_look(r, looked) == 0 then return nil end
  return object
end

return tls
