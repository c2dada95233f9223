-- The backend with the fewest unfinished requests for its weight; equal ones take turns. For
-- requests that take very different times.

local options = require "neap.options"

return function(given)
  options.read("least_connections", given, {})
  local policy = {}

  function policy.pick(_request, pool)
    return pool:least_loaded()
  end

  return policy
end
