-- Too few backends are up: all are used.

local neap = require "support.neap"
local origin = require "support.origin"

local POLICY = [[
local neap = require "neap"
local policy = {}
function policy.request(request)
  local verb, name = request.path:match "^/(%l+)/(.+)$"
  if not verb then return end
  for _, backend in ipairs(neap.pool("p").all) do
    if backend.name == name then backend[verb](backend) end
  end
  return neap.reply { body = "" }
end
function policy.failed() return "retry" end
return policy
]]

describe("panic", function()
  local web, n

  -- text: of each backend
  local function start(count, panic, text)
    web = origin.several(count)
    local list = {}
    for i, o in ipairs(web) do
      list[i] = ('{ url = "%s", name = "web%d"%s }'):format(o.url, i, text and text(i) or "")
    end
    n = neap.start {
      config = ([[return { workers = 2, services = { { listen = "127.0.0.1:0", pool = "p",
        policy = "policy.lua" } }, pools = { p = { panic = %s, health = { type = "none" },
        backends = { %s } } } }]]):format(panic, table.concat(list, ", ")),
      files = { ["policy.lua"] = POLICY },
      allow = { "pool p panics" },
    }
  end

  local function set(verb, ...)
    for _, i in ipairs { ... } do n:get(("/%s/web%d"):format(verb, i)) end
  end

  local function counts(requests)
    local found = {}
    for _ = 1, requests do
      local body = n:get("/").body
      found[body] = (found[body] or 0) + 1
    end
    return found
  end

  it("uses what is dead too, except what drains, until enough are up again", function()
    start(5, 0.5)
    set("drain", 5)
    set("down", 1, 2)
    assert.same({ web3 = 6, web4 = 6 }, counts(12))
    assert.equals(0, n:count_log "panics")
    set("down", 3)
    assert.same({ web1 = 3, web2 = 3, web3 = 3, web4 = 3 }, counts(12))
    n:wait_log "error pool p panics: 1 of 4 backends are up, all are used %(panic = 0.5%)"
    set("up", 1)
    assert.same({ web1 = 6, web4 = 6 }, counts(12))
    n:wait_log "info pool p no longer panics: 2 of 4 backends are up"
    assert.equals(1, n:count_log "pool p panics")
  end)

  it("still finds the one that lives, for each request", function()
    start(4, 0.6)
    for i = 1, 3 do web[i]:kill() end
    set("down", 1, 2, 3)
    for _ = 1, 8 do assert.equals("web4", n:get("/").body) end
  end)

  it("is better than nothing when all are marked dead", function()
    start(2, 0.01)
    set("down", 1, 2)
    assert.same({ web1 = 2, web2 = 2 }, counts(4))
  end)

  it("is off by default", function()
    start(2, 0)
    set("down", 1, 2)
    assert.equals(503, n:get("/").status)
  end)

  it("is counted in the tier in use", function()
    start(4, 0.9, function(i) return ", tier = " .. (i < 3 and 0 or 1) end)
    set("down", 1, 2)
    assert.same({ web3 = 2, web4 = 2 }, counts(4))
    set("down", 3)
    assert.same({ web3 = 2, web4 = 2 }, counts(4))
    n:wait_log "panics: 1 of 2 backends are up"
    set("up", 1)
    assert.same({ web1 = 2, web2 = 2 }, counts(4))
  end)
end)
