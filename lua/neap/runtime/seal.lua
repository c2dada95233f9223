-- Sealed tables: policies share them, so everybody may read them and nobody may change them. A
-- sealed table is an empty one that shows another. Lua's own next, rawset and the like would get
-- past that, so user code has those of this file.

local seal = {}

local metatable_of = debug.getmetatable -- which does not mind __metatable

local SEALED, ARRAY = 1, 2
-- What is sealed, or an array whose names are fixed (see seal.guard). The table that it shows is
-- not kept here: if that refers to the sealed one, neither would ever be freed.
local kinds = setmetatable({}, { __mode = "k" })

local SHARED = "all policies share it"

local function refusal(name)
  return function(_, key)
    error(("%s.%s cannot be assigned: %s"):format(name, tostring(key), SHARED), 2)
  end
end

---@param name string  in messages
---@param parts table  what it shows; the caller must not give it to user code
---@param refuse fun(sealed, key)?  raises the error of an assignment
---@return table
function seal.new(name, parts, refuse)
  local sealed = setmetatable({}, {
    __index = parts, __newindex = refuse or refusal(name), __metatable = false,
  })
  kinds[sealed] = SEALED
  return sealed
end

-- A module with all that is in it. Fields from its metatable are shown too.
---@param name string
---@param module any
---@return any
function seal.module(name, module)
  if type(module) ~= "table" then return module end
  local parts = setmetatable({}, { __index = module })
  for key, value in pairs(module) do parts[key] = seal.module(name .. "." .. key, value) end
  local sealed, own = seal.new(name, parts), metatable_of(module)
  metatable_of(sealed).__call = own and own.__call -- it ignores what it is called on
  return sealed
end

-- A metatable for arrays that stay plain, because hooks index them all the time. Items can be
-- replaced and taken out, so nobody may rely on them; nothing can be added.
---@param name string
---@param class table  what is reached through it by name
---@return table metatable
function seal.class(name, class)
  return { __index = class, __newindex = refusal(name), __metatable = false }
end

-- Makes the functions below refuse such an array.
function seal.guard(list) kinds[list] = ARRAY end

local function content(t)
  return kinds[t] == SEALED and metatable_of(t).__index or t
end

-- The functions that user code has in place of Lua's own.
local readers = {}
seal.readers = readers

local function next_shown(t, key) return next(content(t), key) end

function readers.next(t, key)
  if t == nil then return next(t, key) end -- its own error
  return next(content(t), key)
end

function readers.pairs(t)
  if t == nil or kinds[t] ~= SEALED then return pairs(t) end
  return next_shown, t, nil
end

function readers.rawget(t, key)
  if t == nil then return rawget(t, key) end
  return rawget(content(t), key)
end

function readers.rawset(t, key, value)
  if t ~= nil and kinds[t] then
    error(("rawset: '%s' cannot be assigned: %s"):format(tostring(key), SHARED), 2)
  end
  return rawset(t, key, value)
end

function readers.insert(t, ...)
  if t ~= nil and kinds[t] then error("table.insert: " .. SHARED, 2) end
  return table.insert(t, ...)
end

-- LuaJIT's writes past __newindex.
function readers.move(from, first, last, at, to)
  local target = to == nil and from or to
  if target ~= nil and kinds[target] then error("table.move: " .. SHARED, 2) end
  return table.move(from, first, last, at, to)
end

return seal
