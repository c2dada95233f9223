-- `shared`: stores by name, as a list in the order of their names: their numbers everywhere.

local check = require "neap.config.check"
local config_names = require "neap.config.names"
local schema = require "neap.config.schema"
local show = require "neap.config.show"

local EXPECTED = "shared = { name = { bytes = … } }"

check.add_holder("stores", function(row, value, key, report)
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a table (expected { name = { bytes = … } })")
    return {}
  end
  local names, list = config_names.of(value, key, report, EXPECTED), {}
  if #names > row.max then
    report:add(key, ("%d stores are too many (expected at most %d)"):format(#names, row.max))
  end
  for i, name in ipairs(names) do
    list[i] = check.section(schema.store, rawget(value, name), show.path(key, name), report)
    list[i].name = name
  end
  return list
end)
