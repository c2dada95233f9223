-- Any backend, by weight. There is no state to share, and no two balancers fall into step.

local options = require "neap.options"

return function(given)
  options.read("random", given, {})
  local policy = {}

  function policy.pick(_request, pool)
    return pool:random()
  end

  return policy
end
