-- A policy that wants more memory than lua_memory meets an error like any other.
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local MORE = 'lua_memory = 33554432, policy = "policy.lua", health = { type = "none" }'

local function start(policy, webs, more)
  return neap.start {
    config = neap.config(webs, MORE .. (more or "")),
    files = { ["policy.lua"] = 'local neap = require "neap"\nlocal kept = {}\n' .. policy },
    allow = { "hook %a+ of service", "Lua's memory is full", "held the loop" },
  }
end

-- The body of request: in one go more than there is.
local greedy = {
  { "fills a table in a compiled loop", "local t = {} for i = 1, 1e9 do t[i] = i end" },
  { "fills a table with tables", "local t = {} for i = 1, 1e9 do t[i] = { i } end" },
  { "fills a table with strings", "local t = {} for i = 1, 1e9 do t[i] = 'abc' .. i end" },
  { "fills a table by name", "local t = {} for i = 1, 1e9 do t['k' .. i] = true end" },
  { "doubles a string", "local s = 'x' for _ = 1, 60 do s = s .. s end" },
  { "doubles a string, and swallows errors",
    "local s = 'x' for _ = 1, 1e9 do pcall(function() s = s .. s end) end" },
  { "joins a large string to itself, again and again", [[
    local s = ("x"):rep(6e6)
    local t = {}
    for i = 1, 100 do t[i] = s .. s .. s .. s .. s .. s .. s .. s .. i end]] },
  { "repeats a string", "return ('x'):rep(2 ^ 31)" },
  { "repeats a string with something between", "return ('x'):rep(1e7, ('y'):rep(100))" },
  { "repeats a string without end", "return ('x'):rep(math.huge)" },
  { "repeats strings in a loop",
    "local t = {} for i = 1, 1e6 do t[i] = (i .. 'x'):rep(100000) end" },
  { "joins a list of one large string", [[
    local s, t = ("x"):rep(1e6), {}
    for i = 1, 1e5 do t[i] = s end
    return table.concat(t)]] },
  { "joins a list with a large separator",
    "local t = {} for i = 1, 1e5 do t[i] = 1 end return table.concat(t, ('x'):rep(1e6))" },
  { "replaces each byte by many",
    "local s = ('x'):rep(1e6) return (s:gsub('x', ('y'):rep(1e6)))" },
  { "replaces each byte by many, from a table", [[
    local s = ("x"):rep(1e6):gsub("x", { x = ("y"):rep(1e6) })
    return s]] },
  { "formats large strings", [[
    local s = ("x"):rep(6e6)
    local t = {}
    for i = 1, 100 do t[i] = ("%s%s%s%s%s%s%s%s%d"):format(s, s, s, s, s, s, s, s, i) end]] },
  { "turns a large string into capitals",
    "local t, s = {}, ('x'):rep(6e6) for i = 1, 100 do t[i] = (s .. i):upper() end" },
  { "makes functions", "local t = {} for i = 1, 1e9 do t[i] = function() return i, t end end" },
  { "makes coroutines",
    "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() return i end) end" },
  { "loads code", "local t = {} for i = 1, 1e9 do t[i] = load('return ' .. i) end" },
  { "writes JSON", [[
    local s, t = ("x"):rep(1e6), {}
    for i = 1, 1000 do t[i] = s end
    assert(neap.json.encode(t))]] },
  { "writes JSON of lists of lists", [[
    local t = { 1 }
    for _ = 1, 60 do t = { t, t } end
    assert(neap.json.encode(t))]] },
  { "reads JSON", "assert(neap.json.decode('[' .. ('[],'):rep(8e5) .. '1]'))" },
  { "answers too much", "return neap.reply { body = ('x'):rep(1e8) }" },
}

describe("a hook that wants more memory than there is:", function()
  local web

  before_each(function() web = origin.several(1) end)

  for _, case in ipairs(greedy) do
    it(case[1], function()
      local n = start("return { request = function() " .. case[2] .. " end }", web)
      local workers = n:workers()
      for _ = 1, 3 do assert.equal(200, n:get("/").status) end
      n:wait_log "hook request of service .*:%d+: "
      assert.is_true(n:count_log "not enough memory" + n:count_log "ran for more than" > 0)
      assert.same(workers, n:workers())
    end)
  end

  it("keeps more and more, and is left out in the end", function()
    local n = start([[return { request = function(request)
      for i = 1, 20 do kept[#kept + 1] = { request.path, ("x"):rep(40000) .. request.id .. i } end
    end }]], web)
    local workers = n:workers()
    for i = 1, 80 do assert.equal(200, n:get("/" .. i).status) end
    n:wait_log "Lua's memory is full: policies keep %d+ MiB of 32 %(lua_memory%); hook request"
    n:wait_log "not enough memory %(lua_memory%)"
    n:wait_log "keeps failing"
    assert.same(workers, n:workers())
  end)

  it("replaces from a table as Lua does", function()
    local n = start([[return { request = function()
      local t = setmetatable({ a = "1", b = false }, { __index = function(_, k) return k .. k end })
      local s, count = ("abc d"):gsub("(%w)()", t)
      return neap.reply { body = s .. count .. ("x-y"):gsub("%w", { x = 5 }) }
    end }]], web)
    assert.equal("1bcc dd45-y", n:get("/").body)
  end)

  it("refuses, in a guard", function()
    local n = start([[return { request = function(request)
      for i = 1, 20 do kept[#kept + 1] = ("x"):rep(40000) .. request.id .. i end
    end }]], web, ", guard = true")
    eventually(function() return n:get("/").status == 503 end)
    for _ = 1, 10 do assert.equal(503, n:get("/").status) end
  end)
end)

describe("memory that is nearly full", function()
  it("fails no hook that makes garbage", function()
    local web = origin.several(1)
    local n = start([[
      for i = 1, 24 do kept[i] = ("x"):rep(1e6) .. i end
      return { request = function(request)
        local parts = {}
        for i = 1, 300 do parts[i] = request.id .. ("y"):rep(900) .. i end
        request.ctx.text = table.concat(parts)
        return neap.reply { status = 403 }
      end }]], web)
    for _ = 1, 300 do assert.equal(403, n:get("/").status) end
    assert.equal(0, n:count_log "not enough memory")
  end)

  it("is refused at the start when policies keep it", function()
    local code, _, stderr = neap.run({ "-t", "-c", "config.lua" }, { limit = 15, files = {
      ["config.lua"] = [[return { listen = "127.0.0.1:1", backends = { "http://127.0.0.1:2" },
        lua_memory = 33554432, policy = "policy.lua" }]],
      ["policy.lua"] = [[local kept = {}
        for i = 1, 33 do kept[i] = ("x"):rep(1e6) .. i end
        return { request = function() return kept[1] end }]],
    } })
    assert.equal(1, code)
    assert.matches("lua_memory", stderr)
  end)
end)
