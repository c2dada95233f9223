-- `shared`: stores by name, as a list in the order of their names: their numbers everywhere.

local check = require "neap.config.check"
local schema = require "neap.config.schema"
local show = require "neap.config.show"

local NAME_MAX = 63

local function names_of(value, key, report)
  local names = {}
  for name in next, value do
    if type(name) ~= "string" or name == "" or #name > NAME_MAX or name:find "%c" then
      report:add(show.path(key, name), ("this is not a name of 1 to %d bytes (expected shared = "
        .. "{ name = { bytes = … } })"):format(NAME_MAX))
    else
      table.insert(names, name)
    end
  end
  table.sort(names)
  return names
end

check.add_holder("stores", function(row, value, key, report)
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a table (expected { name = { bytes = … } })")
    return {}
  end
  local names, list = names_of(value, key, report), {}
  if #names > row.max then
    report:add(key, ("%d stores are too many (expected at most %d)"):format(#names, row.max))
  end
  for i, name in ipairs(names) do
    list[i] = check.section(schema.store, rawget(value, name), show.path(key, name), report)
    list[i].name = name
  end
  return list
end)
