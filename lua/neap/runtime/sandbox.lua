-- What user code (configs and policies) may reach: the safe part of Lua's library, in tables of its
-- own, with globals that must be declared. `unsafe = true` in the config adds the rest.

local native = require "neap.native"

local sandbox = {}

local SAFE = {
  "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
  "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "unpack", "_VERSION",
}
-- neap.now and neap.random are the only clock and dice of hooks: what they decide can be repeated.
local LOAD_TIME = { "getenv", "time", "date", "clock", "difftime" }
local UNSAFE = { "io", "os", "debug", "package", "jit", "dofile", "loadfile", "getfenv", "setfenv",
  "newproxy", "module" }
local ABSENT = {}
for _, name in ipairs(UNSAFE) do ABSENT[name] = true end
-- Names that look like a module of neap's, and the module.
local MODULES = { neap = "neap", json = "neap.json", cjson = "neap.json", options = "neap.options",
  maglev = "neap.maglev" }
local PUBLIC = { "^neap$", "^neap%.json$", "^neap%.options$", "^neap%.maglev$",
  "^neap%.policy%.[%w_]+$", "^neap%.check%.[%w_]+$", "^neap%.testing", "^neap%.sim" }

local env = {}
sandbox.env = env
local is_loading, is_unsafe = true, false
local folder = ""
local public = {} -- what require gives for neap's own names
local loaded = {} -- files that were required
local own_coroutines = setmetatable({}, { __mode = "k" })

local function copy(from, without)
  local to = {}
  for name, value in pairs(from) do to[name] = value end
  for _, name in ipairs(without or {}) do to[name] = nil end
  return to
end

local function at_load_time(name, real)
  return function(...)
    if not is_loading and not is_unsafe then
      error(("os.%s is for the time the config is read; hooks have neap.now()"):format(name), 2)
    end
    return real(...)
  end
end

local function os_library()
  local library = {}
  for _, name in ipairs(LOAD_TIME) do library[name] = at_load_time(name, os[name]) end
  return library
end

local function math_library()
  local library = copy(math, { "randomseed" })
  library.random = function() error("math.random is not here: use neap.random", 2) end
  return library
end

-- Coroutines of user code cannot wait, and a hook's own coroutine is not theirs: neither to yield
-- from, nor to keep and resume when another hook runs.
local function coroutine_library()
  local create, running, yield, resume = coroutine.create, coroutine.running, coroutine.yield,
    coroutine.resume
  local library = copy(coroutine)
  function library.running()
    local co = running()
    return own_coroutines[co] and co or nil
  end
  function library.create(fn)
    local co = create(fn)
    own_coroutines[co] = true
    return co
  end
  function library.wrap(fn)
    local co = library.create(fn)
    local function finish(ok, ...)
      if not ok then error((...), 0) end
      return ...
    end
    return function(...) return finish(resume(co, ...)) end
  end
  function library.yield(...)
    if not own_coroutines[running()] then error("yield outside of a coroutine of your own", 2) end
    return yield(...)
  end
  return library
end

-- xpcall whose handler runs when the error has been caught. One that runs before, inside of the
-- fuse's own error, could not be stopped by the fuse; and without `debug` nobody sees a difference.
local function handled(handler, ok, ...)
  if ok then return true, ... end
  return false, select(2, pcall(handler, ...))
end

local function user_xpcall(fn, handler, ...) return handled(handler, pcall(fn, ...)) end

-- Is the code that runs inside a coroutine that user code made?
function sandbox.is_in_own_coroutine()
  local co = coroutine.running()
  return co ~= nil and own_coroutines[co] == true
end

-- Source only: bytecode could do anything.
local function load_source(chunk, name, _mode, environment)
  if environment == nil then environment = env end
  return load(chunk, name, "t", environment)
end

local function hint(verb, name)
  if ABSENT[name] then return " (not here without unsafe = true in the config)" end
  if not MODULES[name] or verb ~= "reading" then return "" end
  return (' (is `local %s = require "%s"` missing?)'):format(name, MODULES[name])
end

local function undeclared(verb)
  return function(_, name)
    error(("%s undeclared global '%s'%s"):format(verb, tostring(name), hint(verb, name)), 2)
  end
end

local function is_public(name)
  for _, pattern in ipairs(PUBLIC) do
    if name:find(pattern) then return true end
  end
  return false
end

-- Runs a chunk of user code; its value, or nil and the error with its traceback.
function sandbox.run(bytes, chunk_name, ...)
  local fn, why = load(bytes, chunk_name, "t", env)
  if not fn then return nil, why end
  local args, n = { ... }, select("#", ...)
  local ok, value = xpcall(function() return fn(unpack(args, 1, n)) end, debug.traceback)
  if not ok then return nil, value or "error (nil)" end
  return value
end

local LOADING = {}

local function require_file(name, path)
  if loaded[name] == LOADING then error(("'%s' requires itself"):format(name), 3) end
  loaded[name] = LOADING
  local bytes, why = native.read(path)
  local fn
  if bytes then fn, why = load(bytes, "@" .. path, "t", env) end
  if not fn then
    loaded[name] = nil
    error(why, 0)
  end
  local value = fn(name)
  loaded[name] = value == nil and true or value
  return loaded[name]
end

local function find_file(name)
  local base = folder .. name:gsub("%.", "/")
  local paths = { base .. ".lua", base .. "/init.lua" }
  for _, path in ipairs(paths) do
    if native.has(path) then return path end
  end
  return nil, table.concat(paths, " nor ")
end

-- A module that all policies share: user code reads it, but cannot change it for the others.
local function sealed(name, module)
  if type(module) ~= "table" then return module end
  local parts = setmetatable({}, { __index = module })
  for key, value in pairs(module) do parts[key] = sealed(name .. "." .. key, value) end
  return setmetatable({}, {
    __index = parts,
    __newindex = function(_, key)
      error(("%s.%s cannot be assigned: all policies share it"):format(name, tostring(key)), 2)
    end,
    __metatable = false,
  })
end

-- `require "neap.policy.round_robin" {}` as of those that have options.
local function callable(name, policy)
  return setmetatable(policy, {
    __call = function(_, given)
      require("neap.options").read(name:match "[^.]*$", given, {})
      return policy
    end,
  })
end

-- A shipped policy is there to be changed and returned: each gets one of its own.
local function shipped(name)
  local module = require(name)
  if type(module) ~= "table" then return module end
  if name:find "^neap%.policy%." then return callable(name, copy(module)) end
  public[name] = sealed(name, module)
  return public[name]
end

-- neap's public modules, then Lua files beside the config.
local function user_require(name)
  if type(name) ~= "string" then error("require(name): name must be a string", 2) end
  if public[name] then return public[name] end
  if loaded[name] ~= nil and loaded[name] ~= LOADING then return loaded[name] end
  if is_public(name) and native.embedded(name) then return shipped(name) end
  if not name:find "^[%w_%-]+[%w_%-.]*$" or name:find("..", 1, true) then
    error(("'%s' is not the name of a module"):format(name), 2)
  end
  local path, tried = find_file(name)
  if path then return require_file(name, path) end
  if is_unsafe then return require(name) end
  error(("module '%s' is neither neap's nor a file beside the config (no %s)")
    :format(name, tried), 2)
end

local function user_print(...)
  local parts = {}
  for i = 1, select("#", ...) do parts[i] = tostring((select(i, ...))) end
  public.neap.log.info("%s", table.concat(parts, " "))
end

-- Strings share one metatable with the runtime's: user code gets a table of its own behind it, and
-- cannot reach the metatable.
local function guard_strings()
  local metatable = getmetatable ""
  if not metatable then return end -- another runtime of this process has done it
  metatable.__index = copy(string, { "dump" })
  metatable.__metatable = false
end

-- What a library of user code has not is an error with its name, not a nil that is called.
local function strict_library(name, library)
  return setmetatable(library, {
    __index = function(_, key)
      error(("%s.%s is not here"):format(name, tostring(key)), 2)
    end,
  })
end

---@param modules table<string, any>  what require gives by name
function sandbox.build(modules)
  for name, module in pairs(modules) do public[name] = sealed(name, module) end
  for _, name in ipairs(SAFE) do env[name] = _G[name] end
  env.string = copy(string, { "dump" })
  env.table, env.bit, env.math = copy(table), copy(require "bit"), math_library()
  env.coroutine, env.os = coroutine_library(), strict_library("os", os_library())
  env.load, env.require, env.print = load_source, user_require, user_print
  env.xpcall = user_xpcall
  env.loadstring = function(text, name) return load_source(text, name) end
  env.collectgarbage = function(what)
    if what ~= "count" then error("collectgarbage: only \"count\" is here", 2) end
    return collectgarbage "count"
  end
  env._G = env
  setmetatable(env, {
    __index = undeclared "reading",
    __newindex = undeclared "assigning",
    __metatable = false,
  })
  guard_strings()
end

---@param path string  folder of the config, "" or ending in "/"
function sandbox.set_folder(path) folder = path end

-- The config was read: is it unsafe?
function sandbox.open(unsafe)
  if not unsafe then return end
  is_unsafe = true
  for _, name in ipairs(UNSAFE) do rawset(env, name, _G[name]) end
  env.math.random, env.math.randomseed = math.random, math.randomseed
  env.xpcall = xpcall
end

-- From now on hooks run.
function sandbox.close_loading() is_loading = false end

return sandbox
