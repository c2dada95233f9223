-- The power of two choices (Mitzenmacher 2001): draws two backends at random and takes the less
-- loaded one. This is nearly as even as looking at all of them, at the price of two, and without
-- the herd: balancers do not all run to the same "best" one.

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
