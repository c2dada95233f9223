-- Which of many items a request asks for: Zipf's law (the k-th most popular one 1/k^s as often as
-- the first), drawn in constant time by Walker's alias method as Vose (1991) builds it.

local popularity = {}

local floor = math.floor

local function weights(n, exponent)
  local list, sum = {}, 0
  for k = 1, n do
    list[k] = k ^ -exponent
    sum = sum + list[k]
  end
  for k = 1, n do list[k] = list[k] * n / sum end
  return list
end

---@param n number
---@param exponent number  0: all are equal
---@return fun(random: fun(): number): number  -- 1 to n
function popularity.zipf(n, exponent)
  if exponent == 0 then
    return function(random) return floor(random() * n) + 1 end
  end
  local keep, alias, small, large = weights(n, exponent), {}, {}, {}
  for k = 1, n do table.insert(keep[k] < 1 and small or large, k) end
  while #small > 0 and #large > 0 do
    local s, l = table.remove(small), large[#large]
    alias[s] = l
    keep[l] = keep[l] - (1 - keep[s])
    if keep[l] < 1 then table.insert(small, table.remove(large)) end
  end
  for k = 1, n do
    if not alias[k] then keep[k], alias[k] = 1, k end
  end
  return function(random)
    local u = random() * n
    local k = floor(u) + 1
    return u - k + 1 < keep[k] and k or alias[k]
  end
end

return popularity
