-- `health.share`: of several balancers each backend is checked by one, by a real etcd.
local admin = require "support.admin"
local etcd = require "support.etcd"
local eventually = require "support.eventually"
local null = require("cjson").null
local origin = require "support.origin"
local scope = require "support.scope"

local test = etcd.is_there and it or pending
local BACKENDS, LEASE, SECONDS = 60, 2, 6

describe("checks that balancers share", function()
  -- One server with as many backends as wanted, by their base paths; those named in its file are
  -- dead. It keeps who checked what and when: "WHO BACKEND TIME" lines.
  local function many()
    local folder = scope.directory()
    local dead, seen = folder .. "/dead", folder .. "/seen"
    scope.write(dead, "")
    scope.write(seen, "")
    local o = origin.start { handler = function(_, request)
      local who, name = request.headers["x-who"], request.target:match "^/(b%d+)/"
      if not who then return name end
      local file = io.open(seen, "a")
      file:write(("%s %s %.3f\n"):format(who, name, eventually.now()))
      file:close()
      local is_dead = scope.read(dead):find(name .. " ", 1, true)
      return { status = is_dead and 500 or 200, body = "" }
    end }
    local list = {}
    for i = 1, BACKENDS do list[i] = ("%s/b%d"):format(o.url, i) end
    local function checks(from)
      local found = {}
      for who, name, at in scope.read(seen):gmatch "(%S+) (%S+) (%S+)\n" do
        if tonumber(at) >= from then table.insert(found, { who = who, name = name, at = at }) end
      end
      return found
    end
    return { list = list, checks = checks, kill = function(name) scope.write(dead, name .. " ") end,
      origin = o }
  end

  local function start(web, e, name, more)
    local n = admin.start(web.list, ([[ name = "web", health = { type = "http", path = "/up",
      interval = 1, timeout = 1, headers = { ["x-who"] = %q }, share = { name = %q, lease = %d,
      etcd = { endpoints = { %q }, prefix = "/neap/" } %s } },]]):format(name, name, LEASE, e.url,
      more or ""))
    n:allow "shared: "
    return n
  end

  local function share_of(n) return admin.status(n).pools[1].health.share end

  local function wait_for_members(list)
    eventually(function()
      for _, n in ipairs(list) do
        if #share_of(n).members ~= #list then return false end
      end
      return true
    end, 30)
  end

  local function count(web, from, seconds)
    eventually(function() return eventually.now() >= from + seconds end, seconds + 5)
    return web.checks(from)
  end

  -- Checks of a backend in a second.
  local function rate_of(checks)
    local first, last, n, seconds = {}, {}, 0, 0
    for _, one in ipairs(checks) do
      if first[one.name] then n = n + 1 end
      first[one.name], last[one.name] = first[one.name] or one.at, one.at
    end
    for name, at in pairs(first) do seconds = seconds + last[name] - at end
    return n / seconds
  end

  local function who_of(checks)
    local who = {}
    for _, one in ipairs(checks) do
      who[one.name] = who[one.name] or {}
      who[one.name][one.who] = true
    end
    return who
  end

  test("are as many as those of one", function()
    local e, web = etcd.start(), many()
    local all = { start(web, e, "a") }
    wait_for_members(all)
    local of_one = count(web, eventually.now() + 2, SECONDS)
    all[2], all[3] = start(web, e, "b"), start(web, e, "c")
    wait_for_members(all)
    local found = count(web, eventually.now() + 1, SECONDS)
    local rate = rate_of(found) / rate_of(of_one)
    if os.getenv "NEAP_SPEC_FIGURES" then
      print(("%d backends: three balancers make %.3f times the checks of one"):format(BACKENDS,
        rate))
    end
    assert.is_true(math.abs(rate - 1) < 0.1, ("%.3f of the checks of one"):format(rate))
    local by = {}
    for name, whos in pairs(who_of(found)) do
      local who = next(whos)
      assert.is_nil(next(whos, who), name .. " is checked by two")
      by[who] = (by[who] or 0) + 1
    end
    local own = 0
    for i, name in ipairs { "a", "b", "c" } do
      assert.is_true((by[name] or 0) > 5)
      assert.equal(by[name], share_of(all[i]).own)
      own = own + by[name]
    end
    assert.equal(BACKENDS, own)
  end)

  test("tell all of them of a death and of a recovery", function()
    local e, web = etcd.start(), many()
    local all = { start(web, e, "a"), start(web, e, "b") }
    wait_for_members(all)
    local function is(state, reasons)
      return eventually(function()
        local found = {}
        for i, n in ipairs(all) do
          found[i] = admin.status(n).pools[1].backends[7]
          if found[i].state ~= state then return false end
        end
        reasons = found[1].reason .. " " .. found[2].reason
        return reasons
      end, 20)
    end
    is "up"
    web.kill "b7"
    assert.is_truthy(is("down"):find "status 500.* %(found by [ab]%)")
    web.kill ""
    is "up"
  end)

  test("go on by the others when one dies", function()
    local e, web = etcd.start(), many()
    local one, other = start(web, e, "a"), start(web, e, "b")
    wait_for_members { one, other }
    other.process:kill_group "KILL"
    eventually(function() return share_of(one).own == BACKENDS end, LEASE + 15)
    local whos = who_of(count(web, eventually.now(), 2.5))
    for i = 1, BACKENDS do assert.is_true((whos["b" .. i] or {}).a, "b" .. i) end
  end)

  test("are each one's own while etcd is away, which is told once", function()
    local e, web = etcd.start(), many()
    local all = { start(web, e, "a"), start(web, e, "b") }
    wait_for_members(all)
    e:kill()
    for _, n in ipairs(all) do
      n:wait_log("error shared: .*; this balancer checks all backends itself", 30)
      local share = eventually(function()
        local found = share_of(n)
        return not found.shared and found
      end)
      assert.equal(BACKENDS, share.own)
      assert.is_true(share.error ~= null)
    end
    local whos = who_of(count(web, eventually.now(), 2.5))
    for i = 1, BACKENDS do assert.same({ a = true, b = true }, whos["b" .. i]) end
    assert.equal(1, all[1]:count_log "checks all backends itself")
    e:again()
    eventually(function() return share_of(all[1]).shared and share_of(all[2]).shared end, 30)
    wait_for_members(all)
  end)

  test("begin without etcd when it is not there", function()
    local web = many()
    local n = start(web, { url = "http://127.0.0.1:1" }, "a")
    eventually(function() return admin.status(n).pools[1].backends[60].state == "up" end)
    assert.is_false(share_of(n).shared)
  end)
end)
