-- What user code gives to neap's functions by name, and what it asks neap's objects for.

local nearest = require "neap.config.nearest"
local show = require "neap.config.show"
local sorted = require "neap.sorted"

local naming = {}

-- What follows a word that is not known: the one that was probably meant, or all of them.
---@param word any
---@param names string[]
---@return string
function naming.hint(word, names)
  local near = type(word) == "string" and nearest.find(word, names)
  if near then return ("; did you mean '%s'?"):format(near) end
  return (" (known: %s)"):format(table.concat(names, ", "))
end

local function is_of(kinds, value)
  for kind in kinds:gmatch "%a+" do
    if kind == "any" or kind == type(value) then return true end
  end
  return false
end

-- What is wrong with options; of several the first by name. nil: nothing.
---@param options table
---@param kinds table<string, string>  types by name, " or " between: "string or table"; "any"
---@return string?
function naming.fault(options, kinds)
  local names = {}
  for name in pairs(options) do table.insert(names, tostring(name)) end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = options[name]
    if not kinds[name] or value == nil then
      return ("unknown option '%s'%s"):format(show.text(name),
        naming.hint(name, sorted.keys(kinds)))
    elseif not is_of(kinds[name], value) then
      return ("%s must be a %s, and this is %s"):format(name, kinds[name]:gsub(" or ", " or a "),
        show.value(value))
    end
  end
end

---@param what string  "neap.http"
---@param name any  which it lacks
---@param names string[]  those it has
---@return string
function naming.lacks(what, name, names)
  return ("%s has no '%s'%s"):format(what, show.text(tostring(name)), naming.hint(name, names))
end

-- Asking for what is not there is an error, with the nearest that is.
---@param what string  in messages
---@param parts table  functions and what else it has
---@param also string[]?  fields that may be nil
---@return table parts
function naming.known(what, parts, also)
  local may_be_nil = {}
  for _, name in ipairs(also or {}) do may_be_nil[name] = true end
  local own = getmetatable(parts) or {}
  function own.__index(_, name)
    if may_be_nil[name] then return nil end
    local names = sorted.keys(parts)
    for other in pairs(may_be_nil) do table.insert(names, other) end
    table.sort(names)
    error(naming.lacks(what, name, names), 2)
  end
  return setmetatable(parts, own)
end

return naming
