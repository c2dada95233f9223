-- Balancers that name each other: a request goes round only once where `via` says who is who.
local client = require "support.client"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"

describe("a request that has passed a balancer", function()
  local function port() return net.refused():match ":(%d+)$" end

  local function start(listen, backend, via)
    local n = neap.start { config = ([[return { workers = 1, listen = "127.0.0.1:%s",
      health = { type = "none" }, backends = { %q }, via = %s }]]):format(listen, backend,
      via) }
    n:allow "came back that has passed here"
    return n
  end

  for _, name in ipairs { "HTTP/1", "HTTP/2" } do
    it("is answered with 508 when another sends it back, over " .. name, function()
      local a, b = port(), port()
      local h2 = name == "HTTP/2"
      local function one(listen, to, via)
        if not h2 then return start(listen, "http://127.0.0.1:" .. to, via) end
        return neap.start { allow = { "came back that has passed here" }, config = ([[return {
          workers = 1, services = { { listen = "127.0.0.1:%s", pool = "p", via = %s } },
          pools = { p = { http2 = true, health = { type = "none" },
          backends = { "http://127.0.0.1:%s" } } } }]]):format(listen, via, to) }
      end
      local first, second = one(a, b, '"edge1"'), one(b, a, '"edge2"')
      local answer = first:get "/"
      assert.equal(508, answer.status)
      first:wait_log "error service .*: a request came back .* here %(Via names edge1%)"
      assert.equal(0, second:count_log "came back")
      for _ = 1, 3 do assert.equal(508, first:get("/").status) end
    end)
  end

  it("has its name after those of others", function()
    local o = origin.start {}
    local n = start(port(), o.url, '"edge1"')
    assert.equal(200, n:get("/", { Via = "1.0 front, 1.1 xedge1 (edge1)" }).status)
    local c = client.connect(n.address)
    c:send "GET / HTTP/1.0\r\nHost: x\r\n\r\n"
    assert.equal(200, c:read_response().status)
    local found = o:requests()
    local values = {}
    for _, field in ipairs(found[1].headers) do
      if field.name:lower() == "via" then table.insert(values, field.value) end
    end
    assert.same({ "1.0 front, 1.1 xedge1 (edge1)", "1.1 edge1" }, values)
    assert.equal("1.0 edge1", found[2].headers.via)
  end)

  it("has none without the key, and may come back", function()
    local o = origin.start {}
    local n = neap.start { config = neap.config { o } }
    assert.equal(200, n:get("/", { Via = "1.1 neap" }).status)
    assert.equal("1.1 neap", o:requests()[1].headers.via)
  end)

  it("may name it as a list has it", function()
    local o = origin.start {}
    local n = start(port(), o.url, '"edge1"')
    for _, value in ipairs { "1.1 edge1", "1.1 a,1.1 edge1", "HTTP/1.1 \t edge1 (x)",
      ", 2 edge1 " } do
      assert.equal(508, n:get("/", { Via = value }).status, value)
    end
    for _, value in ipairs { "edge1", "1.1 Edge1", "1.1 edge12", "1.1", "1.1 a edge1", "" } do
      assert.equal(200, n:get("/", { Via = value }).status, value)
    end
  end)
end)
