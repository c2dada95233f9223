-- neap.shared, one call after the other, in the balancer and in the test kit.

local client = require "support.client"
local neap = require "support.neap"
local scope = require "support.scope"
local testing = require "neap.testing"

local CONFIG = [[return {
  listen = "127.0.0.1:0", workers = 1, backends = { "http://127.0.0.1:1" },
  health = { type = "none" }, policy = "driver.lua",
  shared = { a = { bytes = 65536 }, b = {} },
}]]

-- What a probe returns, as a text.
local DRIVER = [[
local neap = require "neap"
local s = neap.shared "a"
local function list(...)
  local parts = {}
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    parts[i] = type(value) == "table" and "{" .. table.concat(value, ",") .. "}" or tostring(value)
  end
  return table.concat(parts, " ")
end
return { request = function(request)
  local fn = assert(load("local s, neap = ... " .. request:header "probe", "=probe"))
  return neap.reply { body = list(pcall(fn, s, neap)) }
end }
]]

-- In this order, each with what it gives.
local PROBES = {
  { "return s:get 'k'", "nil" },
  { "return s:set('k', 1.5), s:get 'k'", "true 1.5" },
  { "return s:set('k', 'text'), s:get 'k'", "true text" },
  { "return s:set('k', true), s:get 'k'", "true true" },
  { "return s:set('k', false), s:get 'k'", "true false" },
  { "return s:set('k', 'a\\0b'), #s:get 'k', #s:get('k'):rep(3)", "true 3 9" },
  { "return s:set('', ''), s:get ''", "true " },
  { "return s:set('k', 1/0), s:get 'k'", "true inf" },
  { "return s:set('k', nil)", "nil a nil cannot be stored (expected a string, number or boolean)" },
  { "return s:set('k', {})",
    "nil a table cannot be stored (expected a string, number or boolean)" },
  { "return s:set(nil, 1)", "nil the key is a nil (expected a string)" },
  { "return s:get({})", "nil the key is a table (expected a string)" },
  { "return s:set(('k'):rep(2^20), 1)", "nil the key is too long (expected at most 65535 bytes)" },
  { "return s:get(('k'):rep(2^20))", "nil the key is too long (expected at most 65535 bytes)" },
  { "return s:set('k', 1, -1)", "nil ttl is not a time (expected seconds, 0 or more)" },
  { "return s:set('k', 1, 0/0)", "nil ttl is not a time (expected seconds, 0 or more)" },
  { "return s:set('k', 1, 'x')", "nil ttl is not a time (expected seconds, 0 or more)" },
  { "return s:add('k', 2)", "nil exists" },
  { "return s:replace('k', 2), s:get 'k'", "true 2" },
  { "return s:delete 'k', s:delete 'k'", "true nil not found" },
  { "return s:replace('k', 2)", "nil not found" },
  { "return s:add('k', 3), s:get 'k'", "true 3" },
  { "return s:increment('k', 4), s:get 'k'", "7 7" },
  { "return s:increment 'k'", "8" },
  { "return s:increment('n', 1)", "nil not found" },
  { "return s:increment('n', 1, 10), s:increment('n', -0.5, 10)", "11 10.5" },
  { "return s:increment('', 1)", "nil not a number" },
  { "return s:increment('n', 'x')", "nil n is not a number" },
  { "return s:increment('n', 0/0)", "nil n is not a number" },
  { "return s:increment('n', 1, {})", "nil initial is not a number" },
  { "return s:ttl 'n'", "0" },
  { "return s:ttl 'nothing'", "nil not found" },
  { "return s:set('t', 1, 1e6), s:ttl 't' > 999000, s:ttl 't' <= 1e6", "true true true" },
  { "return s:increment('t', 1, 0, 5), s:ttl 't' > 999000", "2 true" },
  { "return s:set('t', 1), s:ttl 't'", "true 0" },
  { "return s:increment('u', 1, 0, 50), s:ttl 'u' > 40", "1 true" },
  { "return s:count('w', 2, 1e5), s:count('w', 0, 1e5), s:count('w', nil, 1e5)", "2 2 3" },
  { "return s:count('w', 1, 1e4)", "1" },
  { "return s:count('k', 1, 10)", "nil not a window" },
  { "return s:count('w', 1)",
    "nil seconds is not the length of a window (expected 0.005 or more)" },
  { "return s:count('w', 1, 0)",
    "nil seconds is not the length of a window (expected 0.005 or more)" },
  { "return s:get 'w'", "nil" },
  { "return s:increment('w')", "nil not a number" },
  { "local keys = s:keys() table.sort(keys) return keys", "{,k,n,t,u,w}" },
  { "return #s:keys(2), #s:keys(0)", "2 0" },
  { "return s:keys 'x'", "nil limit is not a number" },
  { "return neap.shared('b'):get 'k', neap.shared('a'):get 'k'", "nil 8" },
  { "s:flush() return s:keys(), s:get 'k'", "{} nil" },
}

local ERRORS = {
  { "return s.get 'k'", "the methods of a shared store are called with a colon" },
  { "return s:gett 'k'", "a shared store has no 'gett'; did you mean 'get'?" },
  { "return s:incr 'k'", "a shared store has no 'incr'; did you mean 'increment'?" },
  { "return s:load 'k'", "a shared store has no 'load' (known: add, count, delete, flush, get, " },
  { "s.x = 1", "cannot be assigned" },
  { "neap.shared 'c'", "no store 'c' (there are: a, b)" },
  { "neap.shared()", "the name is a nil, not a string" },
}

describe("a shared store", function()
  local real, connection, kit

  setup(function()
    real = neap.start { config = CONFIG, files = { ["driver.lua"] = DRIVER } }
    local folder = scope.directory()
    scope.write(folder .. "/config.lua", CONFIG)
    scope.write(folder .. "/driver.lua", DRIVER)
    kit = testing.balancer { config = folder .. "/config.lua" }
    connection = client.connect(real.address)
  end)

  local function of_real(probe)
    return connection:request("GET", "/", { probe = probe }).body
  end
  local function of_kit(probe)
    return kit.pool:send { path = "/", headers = { { "Probe", probe } } }.body
  end

  it("gives what it was given, and says why it does not", function()
    for _, probe in ipairs(PROBES) do
      assert.equal("true " .. probe[2], of_real(probe[1]), probe[1])
    end
  end)

  it("does so in the test kit", function()
    for _, probe in ipairs(PROBES) do
      assert.equal("true " .. probe[2], of_kit(probe[1]), probe[1])
    end
  end)

  it("is used as it is meant to be", function()
    for _, probe in ipairs(ERRORS) do
      assert.matches("^false .*" .. probe[2]:gsub("%p", "%%%0"), of_real(probe[1]))
      assert.matches("^false .*" .. probe[2]:gsub("%p", "%%%0"), of_kit(probe[1]))
    end
  end)

  it("refuses what is too large, and keeps to its size", function()
    local big = "return s:set('big', ('x'):rep(65536))"
    assert.equal("true nil too large for the store", of_real(big))
    local fill = "for i = 1, 5000 do s:set('key' .. i, ('v'):rep(i % 90)) end "
    assert.equal("true nil vv", of_real(fill .. "return s:get 'key1', s:get 'key4952'"))
    local n = tonumber(of_real("return #s:keys(1e6)"):match "%d+")
    assert.is_true(n > 300 and n < 1000)
  end)

  it("expires to the millisecond", function()
    kit.pool:send { path = "/", headers = { { "Probe", "return s:set('e', 1, 0.25)" } } }
    kit.pool:advance(0.249)
    assert.equal("true 1", of_kit "return s:get 'e'")
    kit.pool:advance(0.001)
    assert.equal("true nil", of_kit "return s:get 'e'")
    local wait = "local t = neap.now() s:set('e', 1, 0.2) return s:get 'e'"
    assert.equal("true 1", of_real(wait))
    require("support.eventually")(function()
      return of_real "return s:get 'e'" == "true nil"
    end)
  end)
end)
