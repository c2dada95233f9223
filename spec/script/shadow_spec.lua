local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local tcp = require "support.tcp"

local ERRORS = { "hook shadow of service", "asks the shadows of its pools no more" }

-- Two backends, web1 and web2; the shadow is a file, `more` the rest of the config.
local function start(shadow, more, files)
  files = files or {}
  files["new.lua"] = 'local neap = require "neap"\n' .. shadow
  local web = origin.several(2)
  local n = admin.start(web, 'shadow = "new.lua", ' .. (more or ""),
    { files = files, allow = ERRORS })
  return n, web
end

-- What is counted, once it was asked so often. (Answers of /status serve again for a while.)
local function counted(n, asked)
  return eventually(function()
    local found = admin.status(n).pools[1].shadow
    return found.asked >= asked and found or nil
  end)
end

local function send(n, times)
  local bodies = {}
  for i = 1, times do bodies[i] = n:get("/").body end
  return table.concat(bodies, " ")
end

local TURNS = "web1 web2 web1 web2 web1 web2 web1 web2"

describe("the shadow of a pool", function()
  it("is asked about each request, and agreement is counted", function()
    local n = start "return require 'neap.policy.round_robin'"
    assert.equal(TURNS, send(n, 8))
    local found = counted(n, 8)
    assert.same({ 8, 8, 0, 0, 0 },
      { found.asked, found.agreed, found.differed, found.none, found.errors })
    assert.equal("new.lua", found.policy)
    assert.is_true(found.seconds > 0)
  end)

  it("shows what shares it would have given", function()
    local n = start "return { pick = function(_, pool) return pool[1] end }"
    assert.equal(TURNS, send(n, 8))
    local found = counted(n, 8)
    assert.same({ 4, 4 }, { found.agreed, found.differed })
    local _, screen = neap.run { "status", "--admin", n.admin }
    assert.matches("\n  shadow new%.lua: 4 of 8 agreed, 4 differed\n", screen)
    assert.same({ 4, 8 }, { found.picks[1].real, found.picks[1].shadow })
    assert.same({ 4, 0 }, { found.picks[2].real, found.picks[2].shadow })
    local values, labels = admin.metrics(n), 'pool="%s",backend="%s"'
    local pool = admin.status(n).pools[1]
    labels = labels:format(pool.name, found.picks[1].backend)
    assert.equal(8, values[('neap_shadow_picks_total{%s,by="shadow"}'):format(labels)])
    assert.equal(4, values[('neap_shadow_picks_total{%s,by="real"}'):format(labels)])
    assert.equal(4, values[('neap_shadow_agreed_total{pool="%s"}'):format(pool.name)])
    n:stop()
    n:wait_log "asked about 8 requests and agreed about 4 %(50%.0 %%%), chose another backend for 4"
  end)

  it("sees loads without the request that it is asked about", function()
    local n = start([[return { pick = function(_, pool)
      if pool[1].inflight + pool[2].inflight > 0 then error "not idle" end
      return pool:least_loaded()
    end }]], 'policy = "first"')
    assert.equal("web1 web1 web1 web1", send(n, 4))
    local found = counted(n, 4)
    assert.equal(0, found.errors)
    assert.equal(2, found.agreed) -- equal ones take turns
  end)

  it("sees the pool as the pick saw it, with slots", function()
    local web = origin.several(2)
    local n = admin.start(web, ([[shadow = "new.lua", policy = "first",
      backends = { { url = %q, name = "a", slots = 1 }, { url = %q, name = "b" } }]]):format(
        web[1].url, web[2].url), { allow = ERRORS, files = { ["new.lua"] = [[
        return { pick = function(_, pool)
          local free = pool[1].inflight
          if #pool ~= 2 or free > 0 then error("not as it was: " .. #pool .. " " .. free) end
          return pool:first()
        end }]] } })
    assert.equal("web1 web1 web1 web1", send(n, 4))
    assert.same({ 4, 0 }, { counted(n, 4).agreed, counted(n, 4).errors })
  end)

  it("sees it so when others are full", function()
    local web = origin.several(3, { handler = function(conn, request)
      if request.target == "/hold" then conn:wait(20) end
      return conn.name
    end })
    local n = admin.start(web, ([[shadow = "new.lua", policy = "first", backends = {
      { url = %q, slots = 1 }, { url = %q, slots = 1 }, { url = %q, slots = 1 } }]]):format(
        web[1].url, web[2].url, web[3].url), { allow = ERRORS, files = { ["new.lua"] = [[
        return { pick = function(request, pool)
          if request.path == "/" and #pool ~= 2 then error("not as it was: " .. #pool) end
          return pool:first()
        end }]] } })
    client.connect(n.address):send "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"
    eventually(function() return #web[1]:requests() == 1 end)
    assert.equal("web2 web2", send(n, 2))
    assert.same({ 3, 0 }, { counted(n, 3).agreed, counted(n, 3).errors })
  end)

  it("may be a shipped policy, a table of hooks, or off", function()
    local web = origin.several(2)
    for form, agreed in pairs {
      ['"first"'] = 2, ["{ pick = function(_, pool) return pool[2] end }"] = 2,
      ['require "neap.policy.first"'] = 2, ["function() return {} end"] = 4,
    } do
      local n = admin.start(web, "shadow = " .. form)
      send(n, 4)
      assert.equal(agreed, counted(n, 4).agreed, form)
      n:stop()
    end
    local off = admin.start(web, "shadow = false")
    assert.equal(require("cjson").null, admin.status(off).pools[1].shadow)
  end)

  it("gets the part of the pool and the plain values that the real hooks gave", function()
    local n = start([[return { pick = function(request, pool)
      if request.ctx.who.name ~= "ann" then error "no name" end
      if request:header "x-real" ~= "1" then error "no header" end
      request.ctx.who.name = "bob"
      return pool[1]
    end }]], 'policy = "real.lua"', { ["real.lua"] = [[return {
      request = function(request)
        request.ctx.who = { name = "ann" }
        request:set_header("x-real", "1")
      end,
      backends = function(_, pool) return pool:where("name", pool.all[2].name) end,
      response = function(request, _, response)
        response:set_header("x-who", request.ctx.who.name)
      end,
    }]] })
    local answer = n:get "/"
    assert.same({ "web2", "ann" }, { answer.body, answer.headers["x-who"] })
    local found = counted(n, 1)
    assert.same({ 1, 0 }, { found.agreed, found.errors })
  end)

  it("changes nothing of what the real side sees", function()
    local n, web = start([[
      local seen = neap.metric.counter("seen", "Requests.")
      return { pick = function(request, pool)
        request:set_header("x-shadow", "1")
        request:set_path "/other"
        request.ctx.shadow = true
        pool[1]:down "the shadow says so"
        pool[2]:drain()
        pool:counter("turn"):add(5)
        seen:add(100)
        table.remove(pool, 1)
        return nil, "nothing suits me"
      end }]], 'policy = "real.lua"', { ["real.lua"] = [[
      local neap = require "neap"
      local seen = neap.metric.counter("seen", "Requests.")
      return { pick = function(_, pool) seen:add(1) return pool:round_robin() end,
        response = function(request, _, response)
          response:set_header("x-ctx", tostring(request.ctx.shadow))
        end }]] })
    assert.equal(TURNS, send(n, 8))
    assert.equal("nil", n:get("/").headers["x-ctx"])
    assert.same({ 9, 0 }, { counted(n, 9).none, counted(n, 9).errors })
    assert.equal(9, admin.metrics(n).seen)
    for _, backend in ipairs(admin.status(n).pools[1].backends) do
      assert.equal("unknown", backend.state)
    end
    for _, server in ipairs(web) do
      for _, request in ipairs(server:requests()) do
        assert.equal("/", request.target)
        assert.is_nil(request.headers["x-shadow"])
      end
    end
  end)

  it("stops by itself when it keeps failing, and no request knows", function()
    local n = start "return { pick = function(_, pool) return pool.frist end }"
    assert.equal(TURNS, send(n, 8))
    n:wait_log "hook shadow of service .*new%.lua:2: pool has no 'frist'; did you mean 'first'"
    n:wait_log "hook shadow of service .* keeps failing: .* nothing is compared"
    local found = counted(n, 5)
    assert.same({ 5, 5, 0 }, { found.asked, found.errors, found.agreed })
    local status = admin.status(n)
    assert.same({ "shadow", 5, true }, { status.services[1].hook_errors[1].name,
      status.services[1].hook_errors[1].errors, status.services[1].hook_errors[1].tripped })
    assert.equal(0, status.workers[1].hook_errors)
  end)

  it("is stopped at its first endless loop", function()
    local n = start "return { pick = function() while true do end end }"
    assert.equal(TURNS, send(n, 8))
    n:wait_log "hook shadow of service .* held the loop: nothing is compared for 30 s"
    assert.equal(1, counted(n, 1).asked)
  end)

  it("may not wait", function()
    local n = start "return { pick = function() neap.sleep(0.01) end }"
    assert.equal("web1", n:get("/").body)
    n:wait_log "neap%.sleep: a shadow may not wait"
  end)

  it("is asked no more when it keeps half of the memory that the real hooks need, too", function()
    local n = start([[local kept = {}
      return { pick = function(_, pool)
        kept[#kept + 1] = ("x"):rep(2 ^ 20 + #kept)
        return pool[1]
      end }]], 'policy = { pick = function(_, pool) return pool:round_robin() end }')
    -- In pieces of 1 MiB: memory that is touched for the first time is slow on some machines, and
    -- a shadow that holds the loop is left out for that.
    for _ = 1, 20 do assert.equal(TURNS, send(n, 8)) end
    n:wait_log "Lua's memory is half full .* no more"
    assert.equal(TURNS, send(n, 8))
    assert.is_true(counted(n, 80).asked < 160)
  end)

  it("works for connections of a tcp service", function()
    local web = {}
    for i = 1, 2 do web[i] = origin.start { connection = tcp.named("b" .. i) } end
    local more = 'mode = "tcp", backends = { "tcp://%s", "tcp://%s" }, shadow = "first"'
    local n = admin.start({}, more:format(web[1].address, web[2].address))
    for i = 1, 2 do
      assert.equal(("b%d\n"):format(i), client.connect(n.address):receive_until "\n")
    end
    assert.equal(1, counted(n, 2).agreed)
  end)

  it("is an error of the config where it is wrong", function()
    for text, expected in pairs {
      ['"frist"'] = "shadow: no policy 'frist' is shipped; did you mean 'first'",
      ['"none.lua"'] = "shadow: .*none.lua",
      ['"bad.lua"'] = "shadow: .*bad.lua: unknown hook 'pik'",
      ["42"] = "shadow: 42 is .*expected the name of a policy",
    } do
      local code, output = neap.check('return { listen = "127.0.0.1:0", '
        .. 'backends = { "http://127.0.0.1:1" }, shadow = ' .. text .. " }",
        { files = { ["bad.lua"] = "return { pik = print }" } })
      assert.equal(1, code)
      assert.matches(expected, output)
    end
  end)
end)
