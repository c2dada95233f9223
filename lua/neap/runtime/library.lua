-- Lua's library as user code (configs and policies) has it: only what is listed here, in tables of
-- its own. Anything else that a LuaJIT brings is absent.

local seal = require "neap.runtime.seal"

local library = {}

local BASE = "assert error getmetatable ipairs pcall rawequal select setmetatable tonumber "
  .. "tostring type unpack _VERSION"
local STRING = "byte char find format gmatch gsub len lower match rep reverse sub upper"
local TABLE = "concat foreach foreachi getn maxn pack remove sort unpack"
local MATH = "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 "
  .. "max min mod modf pi pow rad sin sinh sqrt tan tanh"
local BIT = "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex"
local COROUTINE = "isyieldable status"
-- neap.now and neap.random are the only clock and dice of hooks, so their decisions can be
-- repeated.
local LOAD_TIME = "getenv time date clock difftime"

local function pick(from, names)
  local to = {}
  for name in names:gmatch "%S+" do to[name] = from[name] end
  return to
end

local own_coroutines = setmetatable({}, { __mode = "k" })

-- Is the code that runs inside a coroutine that user code made?
---@return boolean
function library.is_in_own_coroutine()
  local co = coroutine.running()
  return co ~= nil and own_coroutines[co] == true
end

-- Coroutines of user code cannot wait, and a hook's own coroutine is not theirs: they may neither
-- yield from it nor keep it and resume it when another hook runs.
local function coroutines()
  local create, running, yield, resume = coroutine.create, coroutine.running, coroutine.yield,
    coroutine.resume
  local own = pick(coroutine, COROUTINE)
  own.resume = resume
  function own.running()
    local co = running()
    return own_coroutines[co] and co or nil
  end
  function own.create(fn)
    local co = create(fn)
    own_coroutines[co] = true
    return co
  end
  function own.wrap(fn)
    local co = own.create(fn)
    local function finish(ok, ...)
      if not ok then error((...), 0) end
      return ...
    end
    return function(...) return finish(resume(co, ...)) end
  end
  function own.yield(...)
    if not own_coroutines[running()] then error("yield outside of a coroutine of your own", 2) end
    return yield(...)
  end
  return own
end

-- An xpcall whose handler runs after the error has been caught. The fuse could not stop a handler
-- that runs before, inside the fuse's own error; and without `debug` nobody sees a difference.
local function handled(handler, ok, ...)
  if ok then return true, ... end
  return false, select(2, pcall(handler, ...))
end

local function user_xpcall(fn, handler, ...) return handled(handler, pcall(fn, ...)) end

-- Each process evaluates the config, also one that is started again later, and it must say the same
-- in all of them. So the clock stands still while it is read.
local STILL = {}

local function still_now()
  return math.floor(require("neap.runtime.current").state.unix_now[0])
end

function STILL.clock() return 0 end

function STILL.time(at)
  if at == nil then return still_now() end
  return os.time(at)
end

function STILL.date(format, at)
  return os.date(format == nil and "%c" or format, at == nil and still_now() or at)
end

local function at_load_time(name, may_be_used)
  local real, still = os[name], STILL[name] or os[name]
  return function(...)
    local use = may_be_used()
    if not use then
      error(("os.%s is for the time the config is read; hooks have neap.now()"):format(name), 2)
    end
    return (use == "still" and still or real)(...)
  end
end

-- A name that it does not have is an error that says so, not a nil that is called.
local function os_parts(may_be_used)
  local parts = {}
  for name in LOAD_TIME:gmatch "%S+" do parts[name] = at_load_time(name, may_be_used) end
  return setmetatable(parts, {
    __index = function(_, key) error(("os.%s is not here"):format(tostring(key)), 2) end,
  })
end

local function math_parts()
  local parts = pick(math, MATH)
  parts.random = function() error("math.random is not here: use neap.random", 2) end
  return parts
end

local function table_parts()
  local parts = pick(table, TABLE)
  parts.insert, parts.move = seal.readers.insert, seal.readers.move
  return parts
end

local function count_garbage(what)
  if what ~= "count" then error("collectgarbage: only \"count\" is here", 2) end
  return collectgarbage "count"
end

-- Strings share one metatable with the runtime's: it gets a table that user code never sees.
local function guard_strings()
  local metatable = getmetatable ""
  if not metatable then return end -- another runtime of this process has done it
  metatable.__index = pick(string, STRING)
  metatable.__metatable = false
end

---@param may_be_used fun(): string|boolean  may os.time and the like be used? "still": they stand
---  still
---@return table globals, table parts  parts: of the libraries, by name, before they were sealed
function library.new(may_be_used)
  local globals = pick(_G, BASE)
  for _, name in ipairs { "next", "pairs", "rawget", "rawset" } do
    globals[name] = seal.readers[name]
  end
  globals.xpcall, globals.collectgarbage = user_xpcall, count_garbage
  local parts = {
    string = pick(string, STRING), table = table_parts(), math = math_parts(),
    bit = pick(require "bit", BIT), coroutine = coroutines(), os = os_parts(may_be_used),
  }
  for name, part in pairs(parts) do globals[name] = seal.new(name, part) end
  guard_strings()
  return globals, parts
end

return library
