-- The backend with the fewest unfinished requests for its weight; where several are equal, each in
-- turn. For requests that take very different times.

local options = require "neap.options"

return function(given)
  options.read("least_connections", given, {})
  local policy = {}

  function policy.pick(_request, pool)
    -- While backends idle they are equal, and get their turns by weight.
    local next_one = pool:round_robin()
    if next_one.inflight == 0 then return next_one end
    return pool:least_loaded()
  end

  return policy
end
