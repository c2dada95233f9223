-- Maps in an order that is the same each time.
local sorted = {}

---@param map table<string, any>
---@return string[]  -- its keys
function sorted.keys(map)
  local keys = {}
  for key in pairs(map) do table.insert(keys, key) end
  table.sort(keys)
  return keys
end

-- The most frequent first; of equal counts, by name.
---@param counts table<string, number>
---@param name string  -- what each row calls the key
---@return table[]  -- rows { [name] = key, count = }
function sorted.counts(counts, name)
  local rows = {}
  for key, count in pairs(counts) do table.insert(rows, { [name] = key, count = count }) end
  table.sort(rows, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a[name] < b[name]
  end)
  return rows
end

return sorted
