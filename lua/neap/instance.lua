-- A runtime of its own: neap's modules loaded anew, so that no runtime touches another. The
-- functions of C may be replaced.

local ffi = require "neap.ffi"
local native = require "neap.native"

local instance = {}

-- These modules have no state, or an instance is made of them.
local SHARED = { ["neap.ffi"] = true, ["neap.native"] = true, ["neap.instance"] = true,
  ["neap.runtime.scratch"] = true }

local chunks = {} -- name → function; its closures share their compiled code

local function chunk(name)
  local fn = chunks[name]
  if fn then return fn end
  local bytes, path = native.embedded(name)
  if not bytes then error(("no module '%s'"):format(name), 0) end
  fn = assert(load(bytes, path and "@" .. path or name))
  chunks[name] = fn
  return fn
end

-- lua-cjson is in the binary; elsewhere it may be missing, and most policies do without.
local function without_cjson()
  local function missing()
    error("neap.json needs lua-cjson here: luarocks install lua-cjson", 2)
  end
  return { encode = missing, decode = missing, new = missing, null = false }
end

local function outside(name)
  local ok, value = pcall(require, name)
  if ok then return value end
  if name:find "^cjson" then return without_cjson() end
  error(value, 0)
end

-- Each instance has kinds of objects of its own, also where a test runner remembers what was
-- declared before.
local kinds = 0
local count_kind = rawget(ffi, "count_kind") or function()
  kinds = kinds + 1
  return kinds
end

local function new_kind(declaration)
  if type(declaration) ~= "string" or not declaration:find "^struct {" then
    return ffi.typeof(declaration)
  end
  return ffi.typeof(("%s /* %d */"):format(declaration, count_kind()))
end

-- The globals that modules see: the real ones, and those that are replaced.
local function globals(given)
  local env = {}
  for name, value in pairs(_G) do env[name] = value end
  for name, value in pairs(given) do env[name] = value end
  env._G = env
  return env
end

---@param parts table  C: the functions that stand in for C's; native: in place of neap.native;
---  globals: in place of Lua's
---@return fun(name: string): any require, fun() drop  drop: when nobody needs it any more. Kinds of
---  objects live for ever, and what their methods need with them; the rest goes
function instance.new(parts)
  local own_ffi = {}
  for name, value in pairs(ffi) do own_ffi[name] = value end
  own_ffi.C, own_ffi.typeof = parts.C, new_kind
  local loaded = {
    ["neap.ffi"] = own_ffi,
    ["neap.native"] = parts.native,
  }
  local env = globals(parts.globals or {})

  local function own_require(name)
    local value = loaded[name]
    if value ~= nil then return value end
    if not name:find "^neap" or name:find "^neap%.testing" or SHARED[name] then
      return outside(name)
    end
    value = setfenv(chunk(name), env)(name)
    if value == nil then value = true end
    loaded[name] = value
    return value
  end

  env.require = own_require
  local function drop()
    env.require = nil
    for name in pairs(loaded) do loaded[name] = nil end
  end
  return own_require, drop
end

return instance
