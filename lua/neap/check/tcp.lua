-- It accepts a connection.

local dial = require "neap.check.dial"

return function(settings, backend, addresses)
  local conn, why = dial.connect(backend, addresses, settings.timeout)
  if not conn then return false, why, "connect" end
  conn:close()
  return true
end
