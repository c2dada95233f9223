local testing = require "neap.testing"

local FIRST = { pick = function(_, pool) return pool[1] end }

describe("a pool of the test kit", function()
  it("sends requests through the policy", function()
    local pool = testing.pool({ "b1", "b2", "b3" })
    assert.same({ b1 = 100, b2 = 100, b3 = 100 }, pool:count(300))
    assert.same({ b1 = 3, b2 = 1 }, testing.pool { { name = "b1", weight = 3 }, "b2" }:count(4))
  end)

  it("takes any key of a config, and refuses what a config would not take", function()
    assert.error_matches(function() testing.pool(3, { polcy = "x" }) end, "did you mean 'policy'")
    assert.error_matches(function() testing.pool { "b1", "b1" } end, "another backend has the name")
    assert.error_matches(function() testing.pool(3, { policy = "none" }) end, "no policy 'none'")
    assert.error_matches(function() testing.pool(3, { policy = { pik = print } }) end,
      "unknown hook 'pik'; did you mean 'pick'")
    local pool = testing.pool(2, { retry = { attempts = 1 } })
    assert.equal(502, pool:kill "b1":send().status)
  end)

  it("tells when a hook errs, or lets the default decide", function()
    local bad = { pick = function() error "oops" end }
    local pool = testing.pool(2, { policy = bad })
    local _, why = pcall(pool.send, pool)
    assert.matches("hook pick: .*oops", why)
    local result = testing.pool(2, { policy = bad, contain = true }):send()
    assert.equal("b1", result.backend)
    assert.matches("oops", result.errors[1].text)
  end)

  it("tells when an object is kept beyond its hook", function()
    local kept
    local pool = testing.pool(2, { policy = {
      pick = function(request, p)
        local path = kept and kept.path
        kept = request
        return path and p[2] or p[1]
      end,
    } })
    pool:send()
    assert.error_matches(function() pool:send() end, "keep values of it, not the object")
  end)

  it("hands a hook called by hand what neap hands it", function()
    local pool = testing.pool({ "b1", "b2" }, { policy = FIRST })
    local request = pool:request { path = "/x?y", headers = { ["X-A"] = "b" } }
    assert.equal("b", request:header "x-a")
    assert.equal("b1", FIRST.pick(request, pool:view()).name)
    pool:down "b1"
    assert.equal("b2", FIRST.pick(request, pool:view()).name)
    assert.equal(1, #pool:view())
    assert.error_matches(function() return pool[1] end, "hooks get pool:view%(%)")
    assert.error_matches(function() return pool.lenght end, "pool has no 'lenght'")
    assert.error_matches(function() pool:kill "b3" end, "no backend 'b3' %(it has b1, b2%)")
  end)

  it("has faults, which hooks and clients see", function()
    local pool = testing.pool({ "b1", "b2" }, { policy = FIRST })
    local function failure(method)
      local result = pool:send { method = method }
      local f = result.failures[1] or {}
      for _, name in ipairs { "b1", "b2" } do pool:revive(name):up(name) end
      return f.stage, f.kind, result.backend, result.total
    end
    pool:kill "b1"
    assert.same({ "connect", "refused", "b2", 0 }, { failure() })
    pool:cut_off "b1"
    assert.same({ "connect", "timeout", "b2", 5 }, { failure() })
    pool:reset "b1"
    assert.same({ "wait", "reset", nil, 0 }, { failure "POST" })
    pool:garble "b1"
    assert.same({ "wait", "protocol", "b2", 0 }, { failure() })
    pool:hang "b1"
    assert.same({ "wait", "timeout", nil, 60 }, { failure() })
    pool:slow("b1", 2)
    assert.same({ nil, nil, "b1", 2 }, { failure() })
    assert.equal(418, pool:status("b1", 418):send().status)
  end)

  it("flaps by the clock, and is found out by checks", function()
    local pool = testing.pool({ "b1", "b2" }, { health = { interval = 5, recheck = 1 } })
    pool:flap("b1", 10, 10)
    assert.equal("up", pool:advance(6):backend "b1".state)
    assert.equal("down", pool:advance(10):backend "b1".state)
    assert.equal("up", pool:advance(10):backend "b1".state)
    assert.equal(26, pool:now() - testing.pool(1):now())
  end)

  it("runs check and changed", function()
    local alive, seen = true, {}
    local pool = testing.pool({ "b1" }, { health = { interval = 2, fall = 2 }, policy = {
      check = function(backend) return alive, backend.name .. " is ill" end,
      changed = function(_, old, new, reason) table.insert(seen, { old, new, reason }) end,
    } })
    alive = false
    pool:advance(3)
    assert.equal("up", pool:backend "b1".state)
    pool:advance(2)
    assert.same({ { "up", "down", "b1 is ill" } }, seen)
  end)

  it("ends ejections in time", function()
    local pool = testing.pool(2):eject("b1", 30, "too slow")
    assert.equal("ejected", pool:advance(29):backend "b1".state)
    assert.equal("up", pool:advance(2):backend "b1".state)
    assert.matches("b1:80 is ejected for 30 s: too slow", pool:log())
  end)

  it("changes its members, and who stays keeps its state", function()
    local pool = testing.pool({ "b1", "b2" }):down "b2"
    pool:members { "b2", "b3" }
    assert.equal("down", pool:backend "b2".state)
    assert.same({ b2 = 0, b3 = 10 }, pool:count(10))
  end)

  it("answers what the spec says, and shows what backends get", function()
    local pool = testing.pool({ "b1" }, { policy = {
      request = function(request)
        request:set_path "/other"
        request:set_header("X-User", request:cookie "user")
      end,
    } })
    pool:serve(function(name, request)
      return { status = 201, body = name .. request.path, headers = { ["X-U"] =
        request.headers["x-user"] } }
    end)
    local result = pool:send { path = "/a?q", cookies = { user = "me" } }
    assert.equal("201 b1/other?q me", result.status .. " " .. result.body .. " "
      .. result.headers["x-u"])
  end)
end)
