local cjson = require "cjson"
local case = require "unit.config_case"
local json = require "neap.config.json"

-- A generator of its own, so that a seed always gives the same noise.
local function dice_of(seed)
  local state = seed
  return function(n)
    state = (state * 16807) % 2147483647
    return state % n + 1
  end
end

local PIECES = {
  "{", "}", "[", "]", ":", ",", '"', "\\", "\\u00e9", "null", "true", "-1", "1e5", "0", " ", "\n",
  "\240\159\166\138", "\194", "\0", '"proxy"', '"port"', '"backends"', '"url"', '"http://h"',
  '"services"', '"pools"', '"health"', "{}", "[]", '"listen"', "// x", "NaN", "1.5", '"tags"',
}

local SOUND = '{"proxy":{"port":"8080"},"backends":[{"url":"http://localhost:8081/","weight":2}],'
  .. '"health":{"interval":5,"type":"http","status":"200-399"},"retry":{"status":[502]}}'

local function mutated(dice)
  local text = SOUND
  for _ = 1, dice(4) do
    local at = dice(#text)
    local piece = dice(3) == 1 and string.char(dice(256) - 1) or PIECES[dice(#PIECES)]
    text = text:sub(1, at - 1) .. piece .. text:sub(at + dice(6) - 1)
  end
  return text
end

-- Any JSON, with all that its grammar allows (RFC 8259).
local SCALARS = {
  "0", "-0", "7", "-12", "1.5", "1e5", "1E+5", "2.50e-3", "true", "false", "null", '""', '"a"',
  '"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83E\\uDD8A"', '"\240\159\166\138"', '"\127"',
}
local BLANKS = { "", "", "", " ", "\n", "\t \r\n" }

local function random_json(dice, depth)
  local function blank() return BLANKS[dice(#BLANKS)] end
  local kind, parts = dice(3), {}
  if depth > 4 or kind == 1 then return blank() .. SCALARS[dice(#SCALARS)] .. blank() end
  for index = 1, dice(4) - 1 do
    local key = kind == 2 and ('%s"k%d"%s:'):format(blank(), index, blank()) or ""
    parts[index] = key .. random_json(dice, depth + 1)
  end
  local open, close = kind == 2 and "{" or "[", kind == 2 and "}" or "]"
  local inside = #parts > 0 and table.concat(parts, ",") or blank()
  return blank() .. open .. inside .. close .. blank()
end

local VALUES = {
  "nil", "true", "false", "0", "-1", "1.5", "1/0", "-1/0", "0/0", "2^60", "''", "'x'", "'/'",
  "('x'):rep(5000)", "'\\0'", "'\\255'", "{}", "{ 1 }", "{ 'http://h' }", "{ {} }", "{ a = {} }",
  "{ [3] = 1 }", "{ [1.5] = 1 }", "{ [true] = 1 }", "{ [{}] = 1 }", "print", "io.stdout",
  "coroutine.create(print)", "setmetatable({}, { __index = error, __newindex = error })", "loop",
  "{ url = 'http://h', 1 }", "{ interval = 'x', rise = {} }",
}

local KEYS = {
  "workers", "user", "log", "unsafe", "listen", "mode", "pool", "policy", "on_error", "timeouts",
  "limits", "forwarded", "backends", "health", "discover", "keepalive", "retry", "queue", "panic",
  "services", "pools", "tls", "admin", "name", "[1]", "[0/1]", "['']", "[print]",
}

local function random_table(dice, depth)
  local parts = {}
  for _ = 1, dice(5) do
    local value = depth < 3 and dice(3) == 1 and random_table(dice, depth + 1)
      or VALUES[dice(#VALUES)]
    table.insert(parts, dice(4) == 1 and value or KEYS[dice(#KEYS)] .. " = " .. value)
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function never_crashes(text, name)
  local ok, config, why = pcall(case.load, text, name)
  assert.is_true(ok, ("%q: %s"):format(text, tostring(config)))
  assert.is_true(config ~= nil or #why > 0)
  if config then
    assert.is_true(#config.services > 0)
  else
    for line in (why .. "\n"):gmatch "(.-)\n" do
      assert.equals(name, line:sub(1, #name))
      assert.is_nil(line:find "%c")
    end
  end
end

describe("noise in a config", function()
  local seed = tonumber(os.getenv "NEAP_SEED") or 20220401

  it("in JSON is an error, never a crash", function()
    local dice = dice_of(seed)
    for _ = 1, 3000 do never_crashes(mutated(dice), "config.json") end
  end)

  it("in pieces of JSON too", function()
    local dice = dice_of(seed + 1)
    for _ = 1, 3000 do
      local parts = {}
      for i = 1, dice(12) do parts[i] = PIECES[dice(#PIECES)] end
      never_crashes(table.concat(parts), "config.json")
    end
  end)

  it("is no JSON to us where it is none to others, and all JSON is JSON", function()
    local dice = dice_of(seed + 3)
    local decode = cjson.new().decode
    for _ = 1, 2000 do
      local text = random_json(dice, 1)
      local value, errors = json.decode(text)
      assert.is_nil(errors, text)
      assert.same(decode(text), value)
      local at = dice(#text + 1)
      local noisy = text:sub(1, at - 1) .. PIECES[dice(#PIECES)] .. text:sub(at + dice(3) - 1)
      local ok, wrong = pcall(json.decode, noisy)
      assert.is_true(ok, ("%q: %s"):format(noisy, tostring(wrong)))
      if wrong ~= nil then assert.is_true((pcall(decode, noisy)), noisy) end
    end
  end)

  it("in values of Lua too", function()
    local dice = dice_of(seed + 2)
    for _ = 1, 2000 do
      local text = "local loop = {} loop.a, loop[1], loop.backends = loop, loop, loop\nreturn "
      never_crashes(text .. random_table(dice, 1), "config.lua")
    end
  end)
end)
