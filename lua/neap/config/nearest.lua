-- The known word that a mistyped one was probably meant to be.

local nearest = {}

-- Edits (insert, delete, replace, swap of neighbours) from a to b; stops counting above `limit`.
local function distance(a, b, limit)
  local before, last, row = {}, {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    row[0] = i
    local least = i
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local d = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        d = math.min(d, before[j - 2] + 1)
      end
      row[j] = d
      least = math.min(least, d)
    end
    if least > limit then return limit + 1 end
    before, last, row = last, row, before
  end
  return last[#b]
end

---@param word string
---@param known string[]
---@return string?  -- nil when none is near
function nearest.find(word, known)
  local best, best_distance
  word = word:sub(1, 64):lower():gsub("%-", "_")
  local limit = math.max(1, math.floor(#word / 3))
  for _, candidate in ipairs(known) do
    local d = distance(word, candidate, limit)
    if d <= limit and (not best or d < best_distance) then best, best_distance = candidate, d end
  end
  return best
end

return nearest
