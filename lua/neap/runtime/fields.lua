-- request:headers() and response:headers(): the fields of a head, read at once, so that the hook
-- may change it while it goes through them.

local ffi = require "neap.ffi"

local string_of = ffi.string

local fields = {}

local field = ffi.new "neap_field"

---@param get fun(subject, at, to): integer  of C
---@param subject any  the head's view
---@return fun(): string?, string  names in lower case, in their order, and values
function fields.iterate(get, subject)
  local list, n = {}, 0
  local at = get(subject, 0, field)
  while at ~= 0 do
    list[n + 1] = string_of(field.name, field.name_n):lower()
    list[n + 2] = string_of(field.value, field.value_n)
    n = n + 2
    at = get(subject, at, field)
  end
  local i = -1
  return function()
    i = i + 2
    return list[i], list[i + 1]
  end
end

return fields
