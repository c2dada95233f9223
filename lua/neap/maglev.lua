-- The lookup table of Maglev (Eisenbud et al., NSDI 2016, §3.4): each backend walks through its own
-- permutation of the table and takes the next free place in its turn. The table depends on names,
-- weights and size alone: every balancer builds the same one, in whatever order its config lists
-- the backends.

local dice = require "neap.runtime.dice"

local maglev = {}

local OFFSET_SEED, SKIP_SEED = 1, 2

---@param n integer
---@return boolean
function maglev.is_prime(n)
  if n < 3 or n % 2 == 0 then return n == 2 end
  for d = 3, math.sqrt(n), 2 do
    if n % d == 0 then return false end
  end
  return true
end

local function permutations(names, size)
  local place, skip = {}, {}
  for i = 1, #names do
    place[i] = dice.hash(names[i], OFFSET_SEED) % size
    skip[i] = dice.hash(names[i], SKIP_SEED) % (size - 1) + 1
  end
  return place, skip
end

-- A backend of half the highest weight takes a place in every other round.
local function shares(weights)
  local highest, share = 1, {}
  for i = 1, #weights do highest = math.max(highest, weights[i]) end
  for i = 1, #weights do share[i] = weights[i] / highest end
  return share
end

---@param names string[]  sorted
---@param weights number[]  above 0
---@param size integer  a prime, far more than there are names
---@return integer[]  -- by place, from 1: the index of a name
function maglev.fill(names, weights, size)
  local place, skip = permutations(names, size)
  local share, credit, entries = shares(weights), {}, {}
  for i = 1, size do entries[i] = 0 end
  for i = 1, #names do credit[i] = 0 end
  local left = #names > 0 and size or 0
  while left > 0 do
    for i = 1, #names do
      credit[i] = credit[i] + share[i]
      if credit[i] >= 1 and left > 0 then
        credit[i] = credit[i] - 1
        local at = place[i]
        while entries[at + 1] ~= 0 do at = (at + skip[i]) % size end
        entries[at + 1] = i
        place[i] = (at + skip[i]) % size
        left = left - 1
      end
    end
  end
  return entries
end

return maglev
