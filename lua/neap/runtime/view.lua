-- Makes the permanent objects that hooks get: without data of their own, they read the request that
-- C works on.

local ffi = require "neap.ffi"
local nearest = require "neap.config.nearest"

local view = {}

local LISTED = 12 -- names at most, where none is near

local function hint_of(key, names)
  local near = type(key) == "string" and nearest.find(key, names)
  if near then return ("; did you mean '%s'?"):format(near) end
  if #names > LISTED then return "" end
  return (" (known: %s)"):format(table.concat(names, ", "))
end

local function unknown(what, key, getters, methods)
  local names = {}
  for name in pairs(getters) do table.insert(names, name) end
  for name in pairs(methods) do table.insert(names, name) end
  table.sort(names)
  error(("%s has no '%s'%s"):format(what, tostring(key), hint_of(key, names)), 3)
end
view.unknown = unknown

-- `self` is not the object: the method was called with a dot.
function view.needs_colon(what, method)
  error(("%s.%s(…): methods are called with a colon, %s:%s(…)")
    :format(what, method, what, method), 3)
end

---@param what string  the name in messages
---@param subject fun(object): any  what getters read; nil outside of its hooks
---@param getters table<string, fun(subject): any>
---@param methods table<string, function>
---@param declaration string?  of objects that have something of their own
---@return any object, any kind
function view.new(what, subject, getters, methods, declaration)
  local kind = ffi.typeof(declaration or "struct { const uint8_t unused; }")
  ffi.metatype(kind, {
    __index = function(self, key)
      local get = getters[key]
      if get then
        local s = subject(self)
        if s == nil then error(what .. " was used outside of its hook", 2) end
        return get(s)
      end
      local method = methods[key]
      if method == nil then unknown(what, key, getters, methods) end
      return method
    end,
    __newindex = function(_, key)
      local hint = what == "request" and "; keep what you need in request.ctx" or ""
      error(("%s.%s cannot be assigned%s"):format(what, tostring(key), hint), 2)
    end,
    __tostring = function() return what end,
  })
  return kind(), kind
end

return view
