-- What hooks can reach is walked, from their globals and every object they get, through fields,
-- methods' results and metatables: nothing of it is shared and can be changed, nor is it Lua's own.
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

-- visit(path, value): whatever can be reached from there. What objects have is listed; a result
-- that is another one each time is nobody else's.
local WALK = [==[
local neap = require "neap"
local FIELDS = {
  request = "id method path query host scheme version client_ip client_port attempt time ctx header"
    .. " set_header cookie cookies set_path target_path",
  response = "status latency header set_header add_header",
  failure = "stage kind status message safe ours",
  outcome = "status backend attempts bytes queued connect first_byte total reason",
  backend = "name url host port weight tier zone tags state inflight slots latency errors since"
    .. " down up drain eject",
  pool = "name options all counter round_robin least_loaded random hash first where find",
  counter = "next add get", gauge = "set add get", conn = "send receive close",
}
local CALLS = {
  pool = { function(p) return p:counter "walk" end, function(p) return p:where("zone", "a") end,
    function(p) return p:first() end },
}
local walk = {}

function walk.new(visit)
  local seen = {}
  local into
  local function items(path, value, kind)
    for name in (FIELDS[kind] or ""):gmatch "%S+" do
      local a, b = value[name], value[name]
      if type(a) ~= "table" or a == b then
        into(path .. "." .. name, a, name == "all" and "list" or name == "backend" and "backend")
      end
    end
    for i, call in ipairs(path:find ":2" and {} or CALLS[kind] or {}) do -- of parts once
      into(path .. ":" .. i, call(value), ({ "counter", "pool", "backend" })[i])
    end
  end
  function into(path, value, kind)
    local is_table = type(value) == "table"
    if value == nil or (seen[value] and type(value) ~= "cdata") or path:find "ctx$" then return end
    if #path > 100 then error("too deep: " .. path) end
    seen[value] = true
    visit(path, value, kind)
    items(path, value, kind)
    if is_table then
      for key, item in pairs(value) do
        local of_list = kind == "pool" or kind == "list"
        into(path .. "." .. tostring(key), item, of_list and "backend")
      end
      if kind == "pool" or kind == "list" then for i = 1, #value do value[i] = value[i] end end
    end
    local meta = getmetatable(value)
    if meta and meta ~= "ffi" then into(path .. " (metatable)", meta) end
  end
  return into
end

function walk.everything(into)
  into("_G", _G)
  into("string methods", getmetatable "")
  for _, name in ipairs { "neap", "neap.json", "neap.options", "neap.maglev" } do
    into(name, require(name))
  end
  into("counter", neap.metric.counter("walk_c", "c"), "counter")
  into("gauge", neap.metric.gauge("walk_g", "g"), "gauge")
  into("neap.pool", neap.pool "main", "pool")
end
]==]

local HOOKS = [==[
local policy = {}
function policy.request(r) look("request", { request = r }) end
function policy.backends(r, p) look("backends", { request = r, pool = p }) end
function policy.pick(r, p)
  look("pick", { request = r, pool = p })
  return r.attempt == 1 and p:find "dead" or p:first()
end
function policy.failed(r, b, f)
  look("failed", { request = r, backend = b, failure = f })
  return "retry"
end
function policy.response(r, b, a) look("response", { request = r, backend = b, response = a }) end
function policy.log(r, o) look("log", { request = r, outcome = o }) end
function policy.check(b)
  look("check", { backend = b, conn = (neap.tcp.connect(b.host, b.port, 1)) })
  return true
end
function policy.discover(p)
  look("discover", { pool = p })
  error "none"
end
function policy.changed(b) look("changed", { backend = b }) end
return policy
]==]

local LOOK = [==[
function look(hook, objects)
  local into = walk.new(visit)
  walk.everything(into)
  for kind, object in pairs(objects) do into(kind, object, kind) end
  neap.log.info("walked %s: %s", hook, told())
end
]==]

-- Tries to write to all of it; nothing may take it.
local WRITER = WALK .. [==[
local found, count, look = {}, 0, nil
local function try(path, how, fn, ...)
  if pcall(fn, ...) then found[#found + 1] = path .. " " .. how end
end
local function assign(t, key, value) t[key] = value end
local function visit(path, value, kind)
  if type(value) ~= "table" and type(value) ~= "cdata" then return end
  count = count + 1
  try(path, "takes a name", assign, value, "probe", 1)
  if type(value) == "cdata" then
    for name in (FIELDS[kind] or ""):gmatch "%S+" do
      try(path, "takes " .. name, assign, value, name, 1)
    end
    for _, name in ipairs { "number", "gauge", "slot", "epoch", "id", 0 } do
      try(path, "takes " .. name, assign, value, name, 1)
    end
    return
  end
  try(path, "takes rawset", rawset, value, "probe", 1)
  try(path, "takes a metatable", setmetatable, value, {})
  if kind ~= "pool" and kind ~= "list" then
    try(path, "takes an item", table.insert, value, 1)
    try(path, "takes moved items", table.move, { 1 }, 1, 1, 5, value)
    for key, item in pairs(value) do try(path, "takes a change", assign, value, key, item) end
  else
    try(path, "takes a method", assign, value, "first", 1)
  end
end
local function told() return count > 10 and (found[1] or "sound") or "nothing" end
]==] .. LOOK .. HOOKS

-- With `unsafe = true` for `package.loaded` only: is anything of it Lua's or the runtime's own?
local COMPARER = WALK .. [==[
local real, found, look = {}, nil, nil
for name, module in pairs(package.loaded) do
  if type(module) == "table" then
    real[module] = name
    for key, item in pairs(module) do
      if type(item) == "table" then real[item] = name .. "." .. tostring(key) end
    end
  end
end
local meta = debug.getmetatable ""
real[meta], real[meta.__index] = "the metatable of strings", "the methods of strings"
local OPEN = { io = 1, os = 1, debug = 1, package = 1, jit = 1 }
local function visit(path, value)
  local top = path:match "^_G%.(%a+)"
  if real[value] and not OPEN[top] then found = path .. " is the real " .. real[value] end
end
local function told() return found or "sound" end
]==] .. LOOK .. HOOKS

local CONFIG = [[return { listen = "127.0.0.1:0", workers = 1, policy = "policy.lua", unsafe = %s,
  pools = { main = { health = { interval = 1 }, discover = { interval = 1 }, backends = {
    { url = %q, zone = "a", tags = { disk = "ssd" } },
    { url = "http://127.0.0.1:1", name = "dead", zone = "a" } } } }, pool = "main" }]]

local ALL = { "request", "backends", "pick", "failed", "response", "log", "check", "discover",
  "changed" }

local function walked(policy, unsafe)
  local web = origin.start {}
  local n = neap.start {
    config = CONFIG:format(tostring(unsafe), web.url), files = { ["policy.lua"] = policy },
    allow = { "hook discover", "discover of pool main", "127.0.0.1:1", "ran for more than 50 ms" },
  }
  -- A walk takes most of the 50 ms that a hook has: on a busy machine one may be stopped.
  for _, hook in ipairs(ALL) do
    eventually(function()
      n:get "/"
      return n:log():find("walked " .. hook .. ": ", 1, true) ~= nil
    end)
  end
  for line in n:log():gmatch "walked[^\n]*" do assert.matches("^walked %a+: sound$", line) end
end

describe("what hooks can reach", function()
  it("takes no change that others would see", function() walked(WRITER, false) end)
  it("is nothing of Lua's or the runtime's own", function() walked(COMPARER, true) end)

  local function ask(policy)
    local web = origin.start {}
    local n = neap.start {
      config = neap.config({ web }, 'policy = "policy.lua", health = { type = "none" }'),
      files = { ["policy.lua"] = 'local neap = require "neap"\n' .. policy },
    }
    return client.get(n.address).body
  end

  it("is no module but those for everybody", function()
    assert.equal("", ask [[
      local found = {}
      for _, name in ipairs { "neap.sim.values", "neap.sim", "neap.testing", "neap.testing.host",
        "neap.check.dial", "neap.check", "neap.policy", "neap.native", "neap.ffi", "neap.instance",
        "neap.runtime", "neap.runtime.sandbox", "neap.config.load", "neap.shadow", "cjson", "ffi",
        "cjson.safe", "string", "table", "package", "io", "os", "debug", "jit", "string.buffer",
        "table.new", "table.clear", "thread.exdata", "neap.replay", "neap.admin", "_G" } do
        if pcall(require, name) then table.insert(found, name) end
      end
      return { request = function()
        for _, name in ipairs { "neap.sim.values", "neap.testing" } do
          if pcall(require, name) then table.insert(found, name) end
        end
        return neap.reply { body = table.concat(found, " ") }
      end }]])
  end)

  it("is no environment but a table of its own or ours", function()
    assert.equal("", ask [[
      local found = {}
      local coat = setmetatable({}, { __index = function() return nil end })
      for _, environment in ipairs { false, true, 0, "x", print, coroutine.create(print), coat } do
        local ok, io = pcall(function() return load("return io", "x", "t", environment)() end)
        if ok and io then table.insert(found, tostring(environment)) end
        ok, io = pcall(function() return loadstring("return io", environment)() end)
        if ok and io then table.insert(found, tostring(environment)) end
      end
      for _, text in ipairs { "return io", "return getfenv(0)", "return debug" } do
        for _, fn in ipairs { load, loadstring } do
          local ok, value = pcall(function() return fn(text)() end)
          if ok and value then table.insert(found, text) end
        end
      end
      return { request = function()
        return neap.reply { body = table.concat(found, " ") }
      end }]])
  end)
end)
