-- `admin.share`: what people change on one balancer holds on all, by a real etcd.
local admin = require "support.admin"
local null = require("cjson").null
local etcd = require "support.etcd"
local eventually = require "support.eventually"
local origin = require "support.origin"

local test = etcd.is_there and it or pending

describe("changes that balancers share", function()
  local web
  before_each(function() web = origin.several(2) end)

  local function start(e, name, more)
    local n = admin.start(web, more, { admin = ([[{ listen = "127.0.0.1:0", token = %q,
      share = { name = %q, etcd = { endpoints = { %q }, prefix = "/neap/" } } }]])
      :format(admin.token, name, e.url) })
    n:allow "shared: "
    return n
  end

  local function patch(n, backend, value)
    local pool = admin.status(n).pools[1].name
    local response = admin.call(n, "PATCH", ("/pools/%s/backends/%s"):format(pool, backend.address),
      value)
    assert.equal(200, response.status, response.body)
  end

  local function shows(n, backend, wanted)
    return eventually(function()
      local found = admin.backend(n, backend.address)
      for key, value in pairs(wanted) do
        if found[key] ~= value then return false end
      end
      return found
    end, 30)
  end

  test("hold on all of them, with who made them", function()
    local e = etcd.start()
    local more = "name = 'web',"
    local one, two = start(e, "edge1", more), start(e, "edge2", more)
    patch(one, web[1], { state = "drain", weight = 7 })
    local found = shows(two, web[1], { state = "drain", weight = 7 })
    assert.equal("drained by the API of edge1", found.reason)
    assert.equal("edge1", found.shared.by)
    assert.equal("api", found.origin.state)
    for _ = 1, 4 do assert.equal("web2", two:get("/").body) end
    two:wait_log "shared: backend [^\n]*: drained, weight 7 %(by edge1%)"
    patch(two, web[1], { state = "auto" })
    shows(one, web[1], { state = "unknown", weight = 7 })
    patch(one, web[1], { weight = 1 })
    shows(two, web[1], { state = "unknown", weight = 1 })
    eventually(function() return e:ctl("get", "--prefix", "/neap/backends/") == "" end)
    assert.equal("edge2", admin.status(two).sharing.name)
  end)

  test("outlive restarts", function()
    local e = etcd.start()
    local more = "name = 'web',"
    local one = start(e, "edge1", more)
    patch(one, web[1], { state = "down" })
    eventually(function() return admin.status(one).sharing.waiting == 0 end)
    one:stop()
    local again = start(e, "edge1", more)
    assert.equal("web2", again:get("/").body)
    shows(again, web[1], { state = "down" })
    again:signal "HUP"
    again:wait_log("reloaded: generation 2 serves", 20)
    shows(again, web[1], { state = "down" })
  end)

  test("hold here while etcd is away, and are shared when it is back", function()
    local e = etcd.start()
    local more = "name = 'web',"
    local one, two = start(e, "edge1", more), start(e, "edge2", more)
    e:kill()
    patch(one, web[1], { state = "drain" })
    shows(one, web[1], { state = "drain" })
    one:wait_log("changes hold here, and are shared when it is back", 30)
    eventually(function() return admin.status(one).sharing.error ~= null end)
    assert.equal("unknown", admin.backend(two, web[1].address).state)
    e:again()
    shows(two, web[1], { state = "drain" })
    eventually(function() return admin.status(one).sharing.error == null end, 30)
  end)

  test("are no others than that", function()
    local e = etcd.start()
    e:put("/neap/backends/web/x", '{"pool":"web","backend":7}')
    e:put("/neap/backends/web/y", "{")
    e:put("/neap/backends/web/z", ('{"pool":"web","backend":"%s","state":"burn","weight":-1}')
      :format(web[1].address))
    local one = start(e, "edge1", "name = 'web',")
    for key in ("xyz"):gmatch "." do
      one:wait_log(("/neap/backends/web/%s is no change of a backend: it is left out"):format(key))
    end
    shows(one, web[1], { state = "unknown", weight = 1 })
  end)
end)
