-- Tables by name in the config: pools, shared stores.

local show = require "neap.config.show"

local names = { max = 63 } -- bytes of one

-- The names of a table in their order; what is none is reported.
---@param value table
---@param key string  the table's path
---@param form string  what was expected
---@return string[]
function names.of(value, key, report, form)
  local list = {}
  for name in next, value do
    if type(name) ~= "string" or name == "" or #name > names.max or name:find "%c" then
      report:add(show.path(key, name), ("this is not a name of 1 to %d bytes (expected %s)")
        :format(names.max, form))
    else
      table.insert(list, name)
    end
  end
  table.sort(list)
  return list
end

return names
