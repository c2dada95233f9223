-- The power of two choices (Mitzenmacher 2001): of two backends drawn at random, the less loaded.
-- Nearly as even as asking all of them, at the price of two, and without the herd: balancers that
-- all know the same "best" one do not all run there.

local options = require "neap.options"

return function(given)
  options.read("two_choices", given, {})
  local policy = {}

  function policy.pick(_request, pool)
    local a, b = pool:random(), pool:random()
    if a == b then b = pool:random() end -- two different ones, mostly
    if b.inflight * a.weight < a.inflight * b.weight then return b end
    return a
  end

  return policy
end
