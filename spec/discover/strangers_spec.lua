-- Two groups of balancers that meet at one prefix in etcd by mistake.
local admin = require "support.admin"
local etcd = require "support.etcd"
local eventually = require "support.eventually"
local null = require("cjson").null
local origin = require "support.origin"

local test = etcd.is_there and it or pending

describe("another group of balancers at our prefix", function()
  local web
  before_each(function() web = origin.several(2) end)

  local function start(e, name, options)
    local share = ([[{ name = %q, %s etcd = { endpoints = { %q }, prefix = "/neap/" } }]])
      :format(name, options.cluster and ("cluster = %q,"):format(options.cluster) or "", e.url)
    local n = admin.start(options.backends or web, ([[ name = %q,
      health = { type = "tcp", interval = 1, timeout = 1, share = %s },]])
      :format(options.pool or "web", share),
      { admin = ([[{ listen = "127.0.0.1:0", token = %q, share = %s }]])
        :format(admin.token, share) })
    n:allow "shared: "
    return n
  end

  local function share_of(n) return admin.status(n).pools[1].health.share end

  local function strangers(n)
    return eventually(function()
      local list = share_of(n).strangers
      return list[1] and list
    end, 20)
  end

  local function is_left_out(one, other, reason)
    assert.equal("b", strangers(one)[1].name)
    assert.equal("a", strangers(other)[1].name)
    one:wait_log("warn shared: b writes to /neap/, too, and is none of this group: " .. reason)
    for _, n in ipairs { one, other } do
      local share = share_of(n)
      assert.equal(2, share.own)
      assert.equal(1, #share.members)
      assert.equal(1, #admin.status(n).sharing.strangers)
    end
    assert.equal(1, one:count_log "none of this group: ")
  end

  test("is told by its pools", function()
    local e = etcd.start()
    local one, other = start(e, "a", {}), start(e, "b", { pool = "api" })
    is_left_out(one, other, "it has the pools api %(expected one of web%)")
  end)

  test("is told by the backends of a pool", function()
    local e = etcd.start()
    local one = start(e, "a", {})
    local other = start(e, "b", { backends = origin.several(2) })
    is_left_out(one, other, "its pool web has other backends")
  end)

  test("is told by its cluster, and changes nothing here", function()
    local e = etcd.start()
    local one = start(e, "a", { cluster = "prod" })
    local other = start(e, "b", { cluster = "test" })
    is_left_out(one, other, "it is of the cluster 'test' %(expected 'prod'%)")
    local path = "/pools/web/backends/" .. web[1].address
    assert.equal(200, admin.call(other, "PATCH", path, { state = "drain" }).status)
    one:wait_log "is by b, for the cluster 'test' %(expected 'prod'%): it is left out"
    eventually(function() return admin.backend(one, web[1].address).state == "up" end)
    assert.equal("drain", admin.backend(other, web[1].address).state)
  end)

  test("is told when it is one balancer with the name of another", function()
    local e = etcd.start()
    local one = start(e, "a", {})
    eventually(function() return share_of(one).shared end, 20)
    start(e, "a", {})
    one:wait_log("error shared: another balancer at /neap/ is called a, too", 30)
    assert.is_false(share_of(one).shared)
    assert.is_true(share_of(one).error ~= null)
  end)

  test("is no balancer that reloads", function()
    local e = etcd.start()
    local one, other = start(e, "a", {}), start(e, "b", {})
    eventually(function() return #share_of(other).members == 2 end, 20)
    one:signal "HUP"
    one:wait_log("reloaded: generation 2 serves", 20)
    eventually(function() return #share_of(one).members == 2 end, 20)
    assert.equal(2, #share_of(other).members)
    assert.equal(0, one:count_log "is called")
  end)
end)
