-- The known word that a mistyped one was probably meant to be.

local nearest = {}

local WORD_MAX, EDITS_MAX = 64, 6
local BEGINNING = 3 -- bytes at least of a word that is taken for one

-- Rows of the table of distances, for all pairs: the one before the last, the last, this one.
local before, last, row = {}, {}, {}

-- Fewest edits to the first i bytes of a and j of b.
local function edits(a, b, i, j)
  local x, y = a:byte(i), b:byte(j)
  local d = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x == y and 0 or 1))
  if i > 1 and j > 1 and x == b:byte(j - 1) and a:byte(i - 1) == y then
    return math.min(d, before[j - 2] + 1)
  end
  return d
end

-- Fills row i between first and final; returns the least number in it.
local function fill(a, b, i, limit)
  local first, final = math.max(1, i - limit), math.min(#b, i + limit)
  local least = i <= limit and i or limit + 1
  row[first - 1] = first == 1 and least or limit + 1
  for j = first, final do
    row[j] = edits(a, b, i, j)
    least = math.min(least, row[j])
  end
  if final < #b then row[final + 1] = limit + 1 end
  return least
end

-- Edits (insert, delete, replace, swap of neighbours) from a to b, or limit + 1 if there are more:
-- so only the middle of each row can count, and only that is looked at.
local function distance(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  for j = 0, #b do last[j] = j <= limit and j or limit + 1 end
  for i = 1, #a do
    if fill(a, b, i, limit) > limit then return limit + 1 end
    before, last, row = last, row, before
  end
  return last[#b]
end

-- The only one that it is the beginning of: incr, for increment.
local function begun(word, known)
  if #word < BEGINNING then return nil end
  local one
  for _, candidate in ipairs(known) do
    if candidate:sub(1, #word) == word then
      if one then return nil end
      one = candidate
    end
  end
  return one
end

---@param word string
---@param known string[]
---@return string?  -- nil when none is near
function nearest.find(word, known)
  if #word > WORD_MAX then return nil end
  word = word:lower():gsub("%-", "_")
  local best
  local limit = math.min(math.max(1, math.floor(#word / 3)), EDITS_MAX)
  for _, candidate in ipairs(known) do
    local d = distance(word, candidate, limit)
    if d <= limit then best, limit = candidate, d - 1 end
    if limit < 0 then break end
  end
  return best or begun(word, known)
end

return nearest
