-- `discover = { type = "kubernetes" }`, against a double that follows the published API of
-- EndpointSlices (discovery.k8s.io/v1).
local admin = require "support.admin"
local discovered = require "support.discovered"
local double = require "support.registry_double"
local eventually = require "support.eventually"
local origin = require "support.origin"
local scope = require "support.scope"

describe("backends in Kubernetes", function()
  local function endpoint(address, options)
    options = options or {}
    return {
      addresses = { address }, nodeName = "node-1", zone = options.zone,
      conditions = { ready = options.ready ~= false, serving = options.serving ~= false,
        terminating = options.terminating or false },
      targetRef = { kind = "Pod", name = "pod-" .. address },
      hints = options.hint and { forZones = { { name = options.hint } } } or nil,
    }
  end

  local function slice(name, version, port, ...)
    return {
      metadata = { name = name, resourceVersion = tostring(version) }, addressType = "IPv4",
      ports = { { name = "metrics", port = 1 }, { name = "http", port = port } },
      endpoints = { ... },
    }
  end

  local function start(d, more)
    return discovered.start(([[type = "kubernetes", namespace = "shop", endpoints = { %q },
      service = "web", port = "http", %s]]):format(d.url, more or ""))
  end

  local function shows(n, ...) return discovered.shows(n, { ... }, 20) end

  it("are listed page by page, and watched", function()
    local web = origin.several(2)
    local s = { version = 10, page = 1, slices = {
      a = slice("a", 8, web[1].port, endpoint "127.0.0.1"),
      b = slice("b", 9, web[1].port, endpoint "127.0.0.2"),
    } }
    local d = double.kubernetes(s)
    local n = start(d)
    local one, two = "127.0.0.1:" .. web[1].port, "127.0.0.2:" .. web[1].port
    assert.equal("pod-127.0.0.2", shows(n, one, two)[two].tags.pod)
    assert.equal("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector="
      .. "kubernetes.io%2Fservice-name%3Dweb&limit=500", d.origin:requests()[1].target)
    s.events = {
      { version = 11, type = "MODIFIED", object = slice("a", 11, web[2].port,
        endpoint "127.0.0.1") },
      { version = 12, type = "DELETED", object = slice("b", 12, web[1].port) },
      { version = 13, type = "BOOKMARK", object = { metadata = { resourceVersion = "13" } } },
    }
    d:set(s)
    shows(n, "127.0.0.1:" .. web[2].port)
    assert.equal("web2", n:get("/").body)
    assert.equal("12", admin.status(n).pools[1].discover.revision)
    s.events[4] = { version = 14, type = "ADDED", object = slice("c", 14, 80, endpoint "::1") }
    d:set(s)
    shows(n, "127.0.0.1:" .. web[2].port, "[::1]:80")
  end)

  it("drain when they terminate, and are not those that are not ready", function()
    local s = { version = 10, slices = { a = slice("a", 9, 80, endpoint "127.0.0.1",
      endpoint("127.0.0.2", { ready = false }), endpoint "127.0.0.3",
      endpoint("127.0.0.4", { ready = false, serving = false, terminating = true })) } }
    local d = double.kubernetes(s)
    local n = start(d)
    shows(n, "127.0.0.1:80", "127.0.0.3:80")
    s.events = { { version = 11, type = "MODIFIED", object = slice("a", 11, 80,
      endpoint "127.0.0.1", endpoint("127.0.0.3", { ready = false, terminating = true })) } }
    d:set(s)
    local found = eventually(function()
      local by_name = shows(n, "127.0.0.1:80", "127.0.0.3:80")
      return by_name["127.0.0.3:80"].state == "drain" and by_name
    end)
    assert.equal("drained by its registry: terminating", found["127.0.0.3:80"].reason)
  end)

  for _, gone in ipairs { "event", "status" } do
    it("are listed again after 410 as " .. gone, function()
      local s = { version = 10, gone = gone,
        slices = { a = slice("a", 9, 80, endpoint "127.0.0.1") } }
      local d = double.kubernetes(s)
      local n = start(d)
      shows(n, "127.0.0.1:80")
      s.version, s.oldest, s.cuts = 100, 90, gone == "status"
      s.slices = { b = slice("b", 99, 80, endpoint "127.0.0.2") }
      d:set(s)
      s.cuts = false
      eventually(function() return #d.origin:requests() > 2 end, 20)
      d:set(s)
      shows(n, "127.0.0.2:80")
    end)
  end

  it("are asked for with a token that rotates", function()
    local path = scope.directory() .. "/token"
    scope.write(path, "first-token")
    local s = { version = 10, token = "first-token",
      slices = { a = slice("a", 9, 80, endpoint "127.0.0.1") } }
    local d = double.kubernetes(s)
    local n = start(d, ("token_file = %q"):format(path))
    shows(n, "127.0.0.1:80")
    s.token, s.cuts = "second-token", true
    d:set(s)
    n:wait_log("it answers 401: .*Unauthorized.*backends stay", 30)
    scope.write(path, "second-token")
    s.cuts, s.slices = false, { a = slice("a", 12, 80, endpoint "127.0.0.2") }
    d:set(s)
    shows(n, "127.0.0.2:80")
  end)

  it("are those of the zone, if all have hints", function()
    local s = { version = 10, slices = { a = slice("a", 9, 80,
      endpoint("127.0.0.1", { zone = "a", hint = "a" }),
      endpoint("127.0.0.2", { zone = "b", hint = "b" })) } }
    local d = double.kubernetes(s)
    assert.equal("b", shows(start(d, "zone = 'b'"), "127.0.0.2:80")["127.0.0.2:80"].zone)
    shows(start(d, "zone = 'nowhere'"), "127.0.0.1:80", "127.0.0.2:80")
  end)

  it("stay when the API says nonsense", function()
    local s = { version = 10, slices = { a = slice("a", 9, 80, endpoint "127.0.0.1") } }
    local d = double.kubernetes(s)
    local n = start(d)
    shows(n, "127.0.0.1:80")
    s.events = { { version = 11, type = "MODIFIED", object = { metadata = { name = "a",
      resourceVersion = "11" }, ports = 7, endpoints = { 1, { addresses = 5 } } } } }
    d:set(s)
    n:wait_log "the list is empty"
    shows(n, "127.0.0.1:80")
  end)
end)
