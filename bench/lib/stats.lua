-- Medians and the like of short lists.
local stats = {}

function stats.sorted(list)
  local copy = {}
  for i, value in ipairs(list) do copy[i] = value end
  table.sort(copy)
  return copy
end

function stats.median(list)
  local s = stats.sorted(list)
  local n = #s
  if n == 0 then return nil end
  return n % 2 == 1 and s[(n + 1) / 2] or (s[n / 2] + s[n / 2 + 1]) / 2
end

function stats.spread(list)
  local s = stats.sorted(list)
  return s[1], s[#s]
end

function stats.sum(list)
  local total = 0
  for _, value in ipairs(list) do total = total + value end
  return total
end

-- The values of one field of all rows that have it.
function stats.column(rows, field)
  local list = {}
  for _, row in ipairs(rows) do
    if row[field] then table.insert(list, row[field]) end
  end
  return list
end

return stats
