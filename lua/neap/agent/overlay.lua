-- What a person changed about a pool's backends, on top of what the file or `discover` says:
-- backends added and removed, weights. It is kept for the next agent of this generation
-- (journal.lua); a reload begins with what the file says.

local sorted = require "neap.sorted"

local overlay = {}

local function of(pool)
  pool.overlay = pool.overlay or { added = {}, removed = {}, weights = {} }
  return pool.overlay
end

-- A backend as the configuration has it, with another weight and where it comes from.
local function copy(def, weight, origin)
  local new = {}
  for key, value in pairs(def) do new[key] = value end
  new.origin = origin
  if weight and weight ~= def.weight then
    new.weight, new.file_weight = weight, def.weight
  end
  return new
end

-- The list in force: the pool's own with all changes.
---@param pool table  base: its own list
---@return table[]
function overlay.apply(pool)
  local changed = pool.overlay
  if not changed then return pool.base end
  local list, seen = {}, {}
  for _, def in ipairs(pool.base) do
    seen[def.name] = true
    if not changed.removed[def.name] then
      table.insert(list, copy(def, changed.weights[def.name], nil))
    end
  end
  for _, def in ipairs(changed.added) do
    if not seen[def.name] then
      local new = copy(def, changed.weights[def.name], "api")
      new.file_weight = nil
      table.insert(list, new)
    end
  end
  return list
end

-- nil: its own again.
function overlay.set_weight(pool, name, weight) of(pool).weights[name] = weight end

local function take_out(list, name)
  for i, def in ipairs(list) do
    if def.name == name then return table.remove(list, i) end
  end
end

local function is_own(pool, name)
  for _, def in ipairs(pool.base) do
    if def.name == name then return true end
  end
  return false
end

function overlay.add(pool, def)
  local changed = of(pool)
  changed.removed[def.name] = nil
  changed.weights[def.name] = nil
  take_out(changed.added, def.name)
  table.insert(changed.added, def)
end

function overlay.remove(pool, name)
  local changed = of(pool)
  take_out(changed.added, name)
  changed.weights[name] = nil
  if is_own(pool, name) then changed.removed[name] = true end
end

-- The names in its own list that were removed.
---@return string[]
function overlay.removed(pool)
  return sorted.keys(pool.overlay and pool.overlay.removed or {})
end

return overlay
