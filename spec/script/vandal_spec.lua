-- What one request's hook does to the objects it gets is over with that request: the next one, and
-- another service on the same pool, find them as they were.
local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"

local VANDALISMS = {
  "pool[1] = pool[2]", "pool[1], pool[2] = pool[2], pool[1]", "table.remove(pool, 1)",
  "pool[#pool] = nil", "table.sort(pool, function(a, b) return a.name > b.name end)",
  "for i = 1, #pool do pool[i] = nil end", "pool[1] = 'x'", "pool[1] = pool.all",
  "pool.all[1] = pool.all[2]", "table.remove(pool.all)", "pool:where('zone', 'a')[1] = pool[2]",
  "local part = pool:where('zone', 'a') part[1] = nil", "pool.options.retry.attempts = 1",
  "pool.order = {}", "pool.turns = false", "pool.round_robin = true", "pool.counter = nil",
  "rawset(pool, 'order', { 1 })", "rawset(pool, 'turns', false)", "rawset(pool, 7, pool[1])",
  "rawset(pool, 'round_robin', function() return nil end)", "setmetatable(pool, nil)",
  "table.insert(pool, 1, pool[2])", "table.insert(pool, 9, pool[2])", "pool[0] = pool[1]",
  "table.move({ pool[1] }, 1, 1, #pool + 1, pool)", "table.move({ 1 }, 1, 1, 1, string)",
  "pool[1].tags.disk = 'none'", "rawset(pool[1].tags, 'disk', 'none')",
  "pool[1].tags = {}", "pool[1].name = 'x'", "getmetatable(pool).__index = nil",
  "neap.log.info = nil", "rawset(neap, 'reply', nil)", "table.insert = nil", "string.format = 1",
  "rawset(string, 'format', 1)", "('x').format = nil", "getmetatable('').__index = {}",
  "tostring = nil", "rawset(_G, 'tostring', nil)", "_G.print = 1", "_G._G = {}", "math.huge = 0",
  "local g = neap.metric.gauge 'g' g.get = function() error 'mine' end",
  "local c = pool:counter 'c' c.next = function() return 'x' end",
  "local reply = neap.reply {} reply.body = pool",
}

local POLICY = [[
local neap = require "neap"
local vandalisms = {
%s}
local function shown(pool)
  local names = {}
  for i = 1, #pool do names[i] = pool[i].name end
  return table.concat(names, ",")
end
local function look(pool)
  return ("%%s|%%s|%%s|%%s|%%s|%%s"):format(shown(pool), shown(pool.all),
    shown(pool:where("zone", "a")), shown(pool:where("disk", "ssd")), tostring(pool[1].tags.disk),
    pool.options.retry.attempts)
end
return {
  backends = function(request, pool)
    local number = tonumber(request:header "vandal")
    if number then vandalisms[number](pool) end
  end,
  pick = function(request, pool)
    local number = tonumber(request:header "in-pick")
    if number then vandalisms[number](pool) end
    request.ctx.seen = number and "" or look(pool)
    return pool:first()
  end,
  response = function(request, _, response)
    if request.ctx.seen then response:set_header("seen", request.ctx.seen) end
  end,
}]]

local CONFIG = [[return { workers = 1, access_log = false,
  services = { { listen = "127.0.0.1:0", pool = "web", policy = "policy.lua" },
    { listen = "127.0.0.1:0", pool = "web" } },
  pools = { web = { health = { type = "none" }, backends = {
    { url = %q, name = "b1", zone = "a", tags = { disk = "ssd" } }, { url = %q, name = "b2" },
  } } } }]]

local SOUND = "b1,b2|b1,b2|b1|b1|ssd|all"

local function start()
  local functions = {}
  for i, code in ipairs(VANDALISMS) do
    functions[i] = ("function(pool) %s end,\n"):format(code)
  end
  local webs = origin.several(2)
  return neap.start {
    config = CONFIG:format(webs[1].url, webs[2].url),
    files = { ["policy.lua"] = POLICY:format(table.concat(functions)) },
    allow = { "hook %a+ of service" },
  }
end

describe("a hook that spoils its objects", function()
  local function after_each_vandalism(header, seen)
    local n = start()
    for i, code in ipairs(VANDALISMS) do
      local status = client.get(n.addresses[1], "/", { [header] = i }).status
      assert.is_true(status == 200 or status == 503, code) -- who empties the pool has picked nobody
      seen(n, code)
    end
    assert.equal(1, #n:workers())
  end

  for _, header in ipairs { "Vandal", "In-Pick" } do
    it("spoils nothing for the next request: " .. header, function()
      after_each_vandalism(header, function(n, code)
        -- Once the hook is tripped, the default decides, which looks at nothing.
        local seen = client.get(n.addresses[1]).headers.seen
        assert.is_true(seen == SOUND or seen == nil, code .. ": " .. tostring(seen))
      end)
    end)
  end

  it("spoils nothing for another service", function()
    after_each_vandalism("Vandal", function(n, code)
      local a, b = client.get(n.addresses[2]), client.get(n.addresses[2])
      assert.same({ 200, 200 }, { a.status, b.status }, code)
      assert.not_equal(a.body, b.body, code)
    end)
  end)
end)
