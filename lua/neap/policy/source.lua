-- Source affinity: the same client address goes to the same backend as long as that serves; when
-- backends come and go, few clients move. It is `hash` with the address as its key.

local hash = require "neap.policy.hash"
local options = require "neap.options"

return function(given)
  local o = options.read("source", given, {
    { "maglev", "boolean", default = false },
    { "size", "integer", min = 101, max = 1048573, default = 65537 },
    { "bound", "number", min = 1.01, max = 100, default = false },
  })
  return hash { key = "ip", maglev = o.maglev, size = o.size, bound = o.bound }
end
