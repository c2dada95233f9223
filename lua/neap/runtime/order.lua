-- The smooth weighted order: each item as often as its weight says, as far apart as possible (a, a,
-- b, a, c, a, a for 5:1:1). It is computed once per pool version; indexed by a counter that all
-- workers share, it makes round robin exact over all of them without a lock.

local order = {}

local LENGTH_MAX = 4096

local function gcd(a, b)
  while b ~= 0 do a, b = b, a % b end
  return a
end

-- The weights in lowest terms, and scaled down where the order would get too long.
local function reduce(weights)
  local divisor, total = 0, 0
  for i = 1, #weights do
    divisor = gcd(divisor, weights[i])
    total = total + weights[i]
  end
  if divisor == 0 then return {}, 0 end
  local factor = 1 / divisor
  if total / divisor > LENGTH_MAX then factor = LENGTH_MAX / total end
  local reduced, sum = {}, 0
  for i = 1, #weights do
    local w = math.floor(weights[i] * factor + 0.5)
    if w == 0 and weights[i] > 0 then w = 1 end
    reduced[i] = w
    sum = sum + w
  end
  return reduced, sum
end

local function are_equal(weights)
  for i = 2, #weights do
    if weights[i] ~= weights[1] then return false end
  end
  return true
end

-- The exact method is quadratic: for large pools each item's turns are spread evenly and merged.
local STEPS_MAX = 2 ^ 21

local function merged(items, reduced)
  local turns, result = {}, {}
  for i = 1, #items do
    for k = 1, reduced[i] do
      table.insert(turns, { at = (k - 0.5) / reduced[i], index = i })
    end
  end
  table.sort(turns, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.index < b.index
  end)
  for k = 1, #turns do result[k] = items[turns[k].index] end
  return result
end

---@param items any[]
---@param weights number[]
---@return any[]  -- the items themselves where all weights are equal
function order.make(items, weights)
  if are_equal(weights) then return items end
  local credit, result = {}, {}
  local reduced, total = reduce(weights)
  if total * #items > STEPS_MAX then return merged(items, reduced) end
  for i = 1, #items do credit[i] = 0 end
  for turn = 1, total do
    local best = 1
    for i = 1, #items do
      credit[i] = credit[i] + reduced[i]
      if credit[i] > credit[best] then best = i end
    end
    credit[best] = credit[best] - total
    result[turn] = items[best]
  end
  return result
end

return order
