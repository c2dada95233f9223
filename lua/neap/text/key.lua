-- neap.key: what tells the flows of some protocols apart, for the hook `key` of udp services. In a
-- worker C reads these keys by itself, without entering Lua.

local datagram = require "neap.runtime.datagram"
local ffi = require "neap.ffi"
local naming = require "neap.config.naming"

local C, N = ffi.C, ffi.numbers
local LENGTH_MAX = N.NEAP_DATAGRAM_KEY_QUIC_MAX
local room = ffi.new("char[?]", N.NEAP_DATAGRAM_KEY_MAX)

local key = {}

local function read(kind, length, bytes)
  local n = C.neap_datagram_key(kind, length, bytes, #bytes, room)
  return n > 0 and ffi.string(room, n) or nil
end

local function check(what, options, kinds)
  if options ~= nil and type(options) ~= "table" then
    error(("neap.key.%s: the options are a %s (expected a table)"):format(what, type(options)), 3)
  end
  local fault = naming.fault(options or {}, kinds)
  if fault then error(("neap.key.%s: %s"):format(what, fault), 3) end
  return options or {}
end

-- Is it the client's own, so that two clients never share a flow?
local function whose(what, options, default)
  local of = options.of or default
  if of ~= "client" and of ~= "any" then
    error(("neap.key.%s: of is %q (expected \"client\" or \"any\")"):format(what, of), 3)
  end
  return of == "client" and "client" or nil
end

-- The connection id that a packet of QUIC is sent to.
---@param options table?  length: of those that backends choose, which short packets do not tell; a
---  worker learns it from the backends' long ones
---@return fun(datagram): string?
function key.quic(options)
  local length = check("quic", options, { length = "number" }).length or 0
  if length % 1 ~= 0 or length < 0 or length > LENGTH_MAX then
    error(("neap.key.quic: length is %s (expected a whole number up to %d)")
      :format(tostring(length), LENGTH_MAX), 2)
  end
  return datagram.note_ready(function(d)
    return read(N.NEAP_DATAGRAM_KEY_QUIC, length, d.bytes)
  end, { kind = N.NEAP_DATAGRAM_KEY_QUIC, length = length, narrow = 0 })
end

-- The name that a client asks for, in lower case.
---@return fun(datagram): string?, string?
function key.dns(options)
  check("dns", options, {})
  return datagram.note_ready(function(d)
    return read(N.NEAP_DATAGRAM_KEY_DNS, 0, d.bytes), "client"
  end, { kind = N.NEAP_DATAGRAM_KEY_DNS, length = 0, narrow = 1 })
end

-- The Call-ID of a message.
---@param options table?  of: "any" (who has the id is of the call), or "client"
---@return fun(datagram): string?, string?
function key.sip(options)
  local of = whose("sip", check("sip", options, { of = "string" }), "any")
  return datagram.note_ready(function(d)
    return read(N.NEAP_DATAGRAM_KEY_SIP, 0, d.bytes), of
  end, { kind = N.NEAP_DATAGRAM_KEY_SIP, length = 0, narrow = of and 1 or 0 })
end

return key
