-- `discover = { type = "consul" }`, against a double that follows consul's published API.
local admin = require "support.admin"
local null = require("cjson").null
local discovered = require "support.discovered"
local double = require "support.registry_double"
local eventually = require "support.eventually"
local origin = require "support.origin"
local scope = require "support.scope"

describe("backends in consul", function()
  local function entry(port, options)
    options = options or {}
    return {
      Node = { Node = "n1", Address = "127.0.0.1" },
      Service = { ID = "web" .. port, Service = "web", Address = options.address or "",
        Port = port, Tags = options.tags or {}, Meta = options.meta,
        Weights = { Passing = options.weight or 1, Warning = 1 }, ModifyIndex = port },
      Checks = { { CheckID = options.check or "service:web", Status = options.status or
        "passing" } },
    }
  end

  local function start(d, more)
    return discovered.start(('type = "consul", endpoints = { %q }, service = "web", %s')
      :format(d.url, more or ""))
  end

  local function shows(n, ...)
    local names = {}
    for i, port in ipairs { ... } do names[i] = "127.0.0.1:" .. port end
    discovered.shows(n, names, 20)
  end

  it("are followed by blocking queries", function()
    local web = origin.several(2)
    local d = double.consul { index = 5, entries = { entry(web[1].port) } }
    local n = start(d)
    assert.equal("web1", n:get("/").body)
    eventually(function() return #d.origin:requests() == 2 end)
    assert.equal("/v1/health/service/web?passing=1&index=5&wait=30s",
      d.origin:requests()[2].target)
    d:set { index = 6, entries = { entry(web[2].port, { weight = 7, tags = { "blue" },
      meta = { rack = "a" }, address = "127.0.0.1" }) } }
    eventually(function() return n:get("/").body == "web2" end, 5)
    local backend = admin.status(n).pools[1].backends[1]
    assert.equal(7, backend.weight)
    assert.same({ blue = true, rack = "a" }, backend.tags)
    assert.equal("6", admin.status(n).pools[1].discover.revision)
  end)

  it("are those whose checks pass, or those not under maintenance", function()
    local entries = { entry(1), entry(2, { status = "critical" }),
      entry(3, { status = "critical", check = "_node_maintenance" }) }
    local d = double.consul { index = 5, entries = entries }
    shows(start(d), 1)
    shows(start(d, "passing = false"), 1, 2)
  end)

  it("are asked for anew when the index went back", function()
    local d = double.consul { index = 50, entries = { entry(1) } }
    local n = start(d)
    shows(n, 1)
    d:set { index = 3, entries = { entry(2) } }
    shows(n, 2)
    d:set { index = 4, entries = { entry(3) } }
    shows(n, 3)
    for _, request in ipairs(d.origin:requests()) do
      assert.is_nil(request.target:find "index=0")
    end
  end)

  it("stay when consul has no leader, or says nonsense", function()
    local d = double.consul { index = 5, entries = { entry(1) } }
    local n = start(d)
    shows(n, 1)
    d:set { index = 5, status = 500, entries = {} }
    n:wait_log("it answers 500: No cluster leader; its backends stay", 30)
    d:set { index = 8, entries = { 7, "x", { Service = 1 } } }
    eventually(function()
      local found = admin.status(n).pools[1].discover.error
      return found ~= null and found:find "instance that is none"
    end, 30)
    shows(n, 1)
    d:set { index = 9, entries = { entry(2) } }
    shows(n, 2)
  end)

  it("are asked for with a token, tag and datacenter", function()
    local path = scope.directory() .. "/token"
    scope.write(path, "the-token\n")
    local d = double.consul { index = 5, token = "the-token", entries = { entry(1) } }
    local n = start(d, ("token_file = %q, tag = 'v 2', datacenter = 'x'"):format(path))
    shows(n, 1)
    assert.is_truthy(d.origin:requests()[1].target:find("dc=x&tag=v%202", 1, true))
    local stranger = start(d)
    stranger:wait_log "it answers 403: Permission denied"
  end)
end)
