-- Endless recursion is an error of the hook, whichever way it goes.
local neap = require "support.neap"
local origin = require "support.origin"

-- The body of request, and what the log says of it.
local recursions = {
  { "plain calls", "local function f() return 1 + f() end f()", "stack overflow" },
  { "string.gsub with a function",
    "local function f(s) return (s:gsub('.', f)) end f 'x'", "stack overflow" },
  { "string.gsub with a table", [[
    local t = setmetatable({}, {})
    getmetatable(t).__index = function(_, k) return (k:gsub(".", t)) end
    local _ = ("x"):gsub(".", t)]], "stack overflow" },
  { "table.sort with a comparator", [[
    local function f() table.sort({ 1, 2, 3 }, f) return false end f()]], "stack overflow" },
  { "table.sort of objects", [[
    local kind = {}
    kind.__lt = function() table.sort { setmetatable({}, kind), setmetatable({}, kind) } end
    kind.__lt()]], "stack overflow" },
  { "load with a reader", [[
    local function f() assert(load(f)) end f()]], "request" },
  { "coroutine.wrap", [[
    local function f() return coroutine.wrap(f)() end f()]], "request" },
  { "coroutine.create and resume", [[
    local function f() assert(coroutine.resume(coroutine.create(f))) end f()]], "request" },
  { "gsub within coroutines", [[
    local function f() return coroutine.wrap(function() return (("x"):gsub(".", f)) end)() end
    f()]], "stack overflow" },
  { "pcall", "local function f() return assert(pcall(f)) end f()", "request" },
  { "pcall within gsub, which swallows", [[
    local function f(s) pcall(string.gsub, s, ".", f) error "x" end f "x"]], "request" },
  { "xpcall", "local function f() return assert(xpcall(f, f)) end f()", "request" },
  { "__tostring", [[
    local t = setmetatable({}, {})
    getmetatable(t).__tostring = function() return tostring(t) .. "x" end
    tostring(t)]], "stack overflow" },
  { "string.format and __tostring", [[
    local t = setmetatable({}, {})
    getmetatable(t).__tostring = function() return ("%s"):format(t) .. "x" end
    tostring(t)]], "stack overflow" },
  { "string.format and __tostring, deep in coroutines", [[
    local t = setmetatable({}, {})
    getmetatable(t).__tostring = function() return ("%s"):format(t) .. "x" end
    local is_done
    local function f()
      if coroutine.resume(coroutine.create(f)) or is_done then return end
      is_done = true
      tostring(t)
    end
    f()
    error "done"]], "request" },
  { "__index, a function", [[
    local t = setmetatable({}, {})
    getmetatable(t).__index = function(_, k) return t[k .. "x"] .. "" end
    local _ = t.x]], "request" },
  { "__index, a chain", [[
    local t = {}
    for _ = 1, 100000 do t = setmetatable({}, { __index = t }) end
    local _ = t.x]], "request" },
  { "__concat", [[
    local t = setmetatable({}, {})
    getmetatable(t).__concat = function(a, b) return (a .. b) .. "" end
    local _ = t .. t]], "stack overflow" },
  { "__call", [[
    local t = setmetatable({}, {})
    getmetatable(t).__call = function() return 1 + t() end
    t()]], "stack overflow" },
  { "deep parentheses", "assert(load('return ' .. ('('):rep(1e5) .. '1' .. (')'):rep(1e5)))",
    "request" },
  { "a deep pattern", "local _ = ('x'):rep(1e5):find(('x?'):rep(1e4) .. ('(x'):rep(40))",
    "request" },
  { "JSON, deep", [[
    local t = {} for _ = 1, 1e5 do t = { t } end
    assert(require("neap.json").encode(t))]], "request" },
  { "JSON, deep text", "assert(require('neap.json').decode(('['):rep(1e6)))", "request" },
}

describe("endless recursion through", function()
  local web

  before_each(function() web = origin.several(1) end)

  for _, case in ipairs(recursions) do
    it(case[1] .. " is an error, and costs no worker", function()
      local n = neap.start {
        config = neap.config(web, 'workers = 1, policy = "policy.lua", health = { type = "none" }'),
        files = { ["policy.lua"] = "return { request = function() " .. case[2] .. " end }" },
        allow = { "hook %a+ of service", "held the loop" },
      }
      local workers = n:workers()
      for _ = 1, 3 do assert.equal(200, n:get("/").status) end
      n:wait_log(case[3])
      assert.same(workers, n:workers())
    end)
  end
end)
