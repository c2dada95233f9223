-- The hooks by number: what C and Lua call them by, in sets of them one bit each.

local bit = require "bit"
local N = require("neap.ffi").numbers

local hooks = {}

hooks.ids = {
  request = N.NEAP_HOOK_REQUEST, backends = N.NEAP_HOOK_BACKENDS, pick = N.NEAP_HOOK_PICK,
  failed = N.NEAP_HOOK_FAILED, response = N.NEAP_HOOK_RESPONSE, log = N.NEAP_HOOK_LOG,
  check = N.NEAP_HOOK_CHECK, discover = N.NEAP_HOOK_DISCOVER, changed = N.NEAP_HOOK_CHANGED,
  shadow = N.NEAP_HOOK_SHADOW, line = N.NEAP_HOOK_LINE,
  certificate = N.NEAP_HOOK_CERTIFICATE, connection = N.NEAP_HOOK_CONNECTION,
  start = N.NEAP_HOOK_START, every = N.NEAP_HOOK_EVERY, error = N.NEAP_HOOK_ERROR,
  key = N.NEAP_HOOK_KEY,
}

hooks.bits = {}
for name, id in pairs(hooks.ids) do hooks.bits[name] = bit.lshift(1, id) end

-- Those that run once per request, however often pick is asked again.
hooks.before_pick = hooks.bits.request + hooks.bits.backends

return hooks
