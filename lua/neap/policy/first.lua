-- Fills one backend before the next: always the first in the config's order that has a free slot.
-- For backends that cost by the hour: those that are never reached can be switched off. They need
-- `slots`, else every request goes to the first.

local options = require "neap.options"

return function(given)
  options.read("first", given, {})
  local policy = {}

  function policy.pick(_request, pool)
    return pool:first() -- full ones are not in the pool
  end

  return policy
end
