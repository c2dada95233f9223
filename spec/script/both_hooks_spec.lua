-- Hooks that decide nothing run for the pool and for the service.
local neap = require "support.neap"
local origin = require "support.origin"

local function start(own, policy, web)
  return neap.start {
    config = ([[return { listen = "127.0.0.1:0", workers = 1, pool = "a", policy = "service.lua",
      pools = { a = { backends = { %q }, policy = "pool.lua", health = { type = "none" } } } }]])
      :format(web[1].url),
    files = {
      ["pool.lua"] = 'local neap = require "neap"\nreturn {' .. own .. "}",
      ["service.lua"] = 'local neap = require "neap"\nreturn {' .. policy .. "}",
    },
    allow = { "hook %a+ of service" },
  }
end

local MARK = [[response = function(_, _, response)
  local before = response:header "x-seen"
  response:set_header("x-seen", (before and before .. " " or "") .. "%s")
end]]

describe("of two hooks", function()
  local web

  before_each(function() web = origin.several(1) end)

  it("response both run, the pool's first", function()
    local n = start(MARK:format "pool", MARK:format "service", web)
    assert.equal("pool service", n:get("/").headers["x-seen"])
  end)

  it("response one alone runs as well", function()
    assert.equal("pool", start(MARK:format "pool", "", web):get("/").headers["x-seen"])
    assert.equal("service", start("", MARK:format "service", web):get("/").headers["x-seen"])
  end)

  it("response an error of one leaves the answer as it came", function()
    local n = start(MARK:format "pool", "response = function() error 'again' end", web)
    local answer = n:get "/"
    assert.equal(200, answer.status)
    assert.is_nil(answer.headers["x-seen"])
  end)

  it("log both run, the pool's first", function()
    local n = start("log = function(_, o) neap.log.info('pool %d', o.status) end",
      "log = function(_, o) neap.log.info('service %d', o.status) end", web)
    n:get "/"
    n:wait_log "service 200"
    assert.matches("pool 200.*service 200", n:log())
  end)

  it("log the pool's alone runs as well", function()
    local n = start("log = function(_, o) neap.log.info('pool %d', o.status) end", "", web)
    n:get "/"
    n:wait_log "pool 200"
  end)

  it("changed both run", function()
    local say = "changed = function(b, _, new) neap.log.info('%s heard %%s', new) end"
    local n = start(say:format "pool", say:format "service"
      .. ", pick = function(_, p) p[1]:down 'enough' return nil, 'down' end", web)
    n:get "/"
    n:wait_log "service heard down"
    assert.matches("pool heard down.*service heard down", n:log())
  end)
end)
