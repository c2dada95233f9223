-- What user code (configs and policies) may reach, and how its files are loaded. Everything is
-- listed: the library (see neap.runtime.library), neap's modules, files beside the config.
-- `unsafe = true` in the config adds the rest.

local files = require "neap.runtime.files"
local library = require "neap.runtime.library"
local log = require "neap.runtime.log"
local native = require "neap.native"
local seal = require "neap.runtime.seal"

local sandbox = {}

local UNSAFE = { "io", "os", "debug", "package", "jit", "dofile", "loadfile", "getfenv", "setfenv",
  "newproxy", "module" }
local ABSENT = {}
for _, name in ipairs(UNSAFE) do ABSENT[name] = true end
-- Names that look like a module of neap's, and the module.
local MODULES = { neap = "neap", json = "neap.json", cjson = "neap.json", options = "neap.options",
  maglev = "neap.maglev" }
local ON_REQUEST = { ["neap.options"] = true, ["neap.maglev"] = true } -- loaded when asked for

local is_loading, is_unsafe = true, false
local globals, parts = library.new(function() return is_loading and "still" or is_unsafe end)
local env -- what chunks of user code have as their globals: shows `globals`
local folder = ""
local public = {} -- what require gives for neap's own names
local loaded = {} -- files that were required
local ours = setmetatable({}, { __mode = "k" }) -- hooks of shipped policies

sandbox.is_in_own_coroutine = library.is_in_own_coroutine

-- Source only: bytecode could do anything. LuaJIT takes anything but a table as "no environment",
-- which would mean the real one.
local function load_source(chunk, name, _mode, environment)
  if environment == nil then environment = env end
  if type(environment) ~= "table" then
    error(("load: the environment is a %s (expected a table, or nothing)")
      :format(type(environment)), 2)
  end
  return load(chunk, name, "t", environment)
end

local function hint(verb, name)
  if ABSENT[name] then return " (not here without unsafe = true in the config)" end
  if not MODULES[name] or verb ~= "reading" then return "" end
  return (' (is `local %s = require "%s"` missing?)'):format(name, MODULES[name])
end

local function read_undeclared(_, name)
  error(("reading undeclared global '%s'%s"):format(tostring(name), hint("reading", name)), 2)
end

local function assign_global(_, name)
  if rawget(globals, name) ~= nil then
    error(("the global '%s' cannot be assigned: all policies share it (use a local)")
      :format(tostring(name)), 2)
  end
  error(("assigning undeclared global '%s'%s"):format(tostring(name), hint("assigning", name)), 2)
end

-- Runs a chunk of user code; its value, or nil and the error with its traceback.
function sandbox.run(bytes, chunk_name, ...)
  local fn, why = load(bytes, chunk_name, "t", env)
  if not fn then return nil, why end
  files.look_in(bytes)
  local args, n = { ... }, select("#", ...)
  local ok, value = xpcall(function() return fn(unpack(args, 1, n)) end, debug.traceback)
  if not ok then return nil, value or "error (nil)" end
  return value
end

local LOADING = {}

local function load_file(name, path)
  local bytes, why = native.read(path)
  local fn
  if bytes then fn, why = load(bytes, "@" .. path, "t", env) end
  if not fn then error(why, 0) end
  files.look_in(bytes)
  return fn(name)
end

local function require_file(name, path)
  if loaded[name] == LOADING then error(("'%s' requires itself"):format(name), 3) end
  loaded[name] = LOADING
  local ok, value = pcall(load_file, name, path)
  if not ok then
    loaded[name] = nil
    error(value, 0)
  end
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

-- The hooks of a shipped policy do not change their arguments, as long as no function of the user's
-- came into them.
local function trust(policy)
  for _, hook in pairs(policy) do
    if type(hook) == "function" then ours[hook] = true end
  end
  return policy
end

local function is_plain(given)
  if type(given) ~= "table" then return true end
  if getmetatable(given) ~= nil then return false end
  for _, value in next, given do
    if type(value) == "table" or type(value) == "function" then return false end
  end
  return true
end

---@param hook any
---@return boolean  -- is it a shipped policy's, with nothing of the user's in it?
function sandbox.is_ours(hook) return ours[hook] == true end

-- `require "neap.policy.round_robin" {}` as of those that have options.
local function callable(name, policy)
  return setmetatable(policy, {
    __call = function(_, given)
      require("neap.options").read(name, given, {})
      return policy
    end,
  })
end

-- Users may change a shipped policy and return it, so each caller gets a copy. (pcall: so that
-- errors about options name the config's line, not one of this file.)
local function shipped_policy(name)
  local module = require("neap.policy." .. name)
  if type(module) == "table" then
    local own = {}
    for key, value in pairs(trust(module)) do own[key] = value end
    return callable(name, own)
  end
  return function(given)
    local ok, policy = pcall(module, given)
    if not ok then error(policy, 2) end
    return is_plain(given) and trust(policy) or policy
  end
end

-- nil: it is none of neap's public modules.
local function own_module(name)
  if public[name] then return public[name] end
  if ON_REQUEST[name] then
    public[name] = seal.module(name, require(name))
    return public[name]
  end
  local policy = name:match "^neap%.policy%.([%w_]+)$"
  return policy and native.embedded(name) and shipped_policy(policy) or nil
end

-- neap's public modules, then Lua files beside the config.
local function user_require(name)
  if type(name) ~= "string" then error("require(name): name must be a string", 2) end
  if loaded[name] ~= nil and loaded[name] ~= LOADING then return loaded[name] end
  local own = own_module(name)
  if own then return own end
  if not name:find "^[%w_%-][%w_%-.]*$" or name:find("..", 1, true) then
    error(("'%s' is not the name of a module"):format(name), 2)
  end
  local path, tried = find_file(name)
  if path then return require_file(name, path) end
  if is_unsafe then return require(name) end
  error(("module '%s' is neither neap's nor a file beside the config (no %s)")
    :format(name, tried), 2)
end

local function user_print(...)
  local texts = {}
  for i = 1, select("#", ...) do texts[i] = tostring((select(i, ...))) end
  log.info("%s", table.concat(texts, " "))
end

---@param modules table<string, any>  what require gives by name
function sandbox.build(modules)
  for name, module in pairs(modules) do public[name] = seal.module(name, module) end
  globals.load, globals.require, globals.print = load_source, user_require, user_print
  globals.loadstring = function(text, name) return load_source(text, name) end
  setmetatable(globals, { __index = read_undeclared })
  env = seal.new("_G", globals, assign_global)
  globals._G = env
end

---@param path string  folder of the config, "" or ending in "/"
function sandbox.set_folder(path)
  folder = path
  files.set_folder(path)
end

-- The config was read: is it unsafe?
function sandbox.open(unsafe)
  if not unsafe then return end
  is_unsafe = true
  for _, name in ipairs(UNSAFE) do rawset(globals, name, _G[name]) end
  parts.math.random, parts.math.randomseed = math.random, math.randomseed
  globals.xpcall = xpcall
end

-- From now on hooks run.
function sandbox.close_loading()
  is_loading = false
  files.close()
end

return sandbox
