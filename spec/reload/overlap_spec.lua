local admin = require "support.admin"
local client = require "support.client"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local scope = require "support.scope"

local function free_port()
  local fd, _, port = net.listen "127.0.0.1:0"
  net.close(fd)
  return port
end

local function is_refused(address)
  local fd, why = net.connect(address)
  if fd then net.close(fd) end
  return why == "refused"
end

-- LIST with each P as the port.
local function listening(list, port, more)
  return ('workers = 2, listen = { %s }, %s'):format(list:gsub("P", port), more or "")
end

local function reload(n, number, config)
  scope.write(n.dir .. "/config.lua", config)
  n:signal "HUP"
  n:wait_log(("generation %d serves: "):format(number), 10)
end

describe("listening addresses that overlap", function()
  for list, asked in pairs {
    ['"0.0.0.0:P", "[::]:P"'] = { "127.0.0.1:P", "[::1]:P" },
    ['"[::]:P", "0.0.0.0:P"'] = { "127.0.0.1:P", "[::1]:P" },
    ['"0.0.0.0:P", "127.0.0.1:P"'] = { "127.0.0.1:P", "127.0.0.2:P" },
    ['"127.0.0.1:P", ":P"'] = { "127.0.0.1:P", "127.0.0.2:P", "[::1]:P" },
  } do
    it("serve at a start, as -t says: " .. list, function()
      local port, web = free_port(), origin.start {}
      local config = neap.config({ web }, listening(list, port))
      assert.equal(0, (neap.check(config)))
      neap.start { config = config }
      for _, address in ipairs(asked) do
        for _ = 1, 5 do assert.equal(200, client.get((address:gsub("P", port))).status) end
      end
    end)
  end

  it("go from all to several and back, in one reload each", function()
    local port, web = free_port(), origin.start {}
    local lists = {
      '":P"', '"127.0.0.1:P", "127.0.0.2:P"', '":P"', '"127.0.0.1:P", "[::1]:P"', '"0.0.0.0:P"',
      '"0.0.0.0:P", "[::]:P"', '"[::]:P"', '"127.0.0.1:P", "127.0.0.3:P", "0.0.0.0:P"',
    }
    local n = neap.start { config = neap.config({ web }, listening(lists[1], port)) }
    for i = 2, #lists do
      reload(n, i, neap.config({ web }, listening(lists[i], port)))
      for _ = 1, 4 do assert.equal(200, client.get("127.0.0.1:" .. port).status) end
    end
    assert.is_true(is_refused("[::1]:" .. port))
  end)

  it("belong to the service with the most specific one", function()
    local port = free_port()
    local statuses = { ["0.0.0.0"] = 210, ["127.0.0.1"] = 211, ["[::]"] = 212 }
    local services = {}
    for address, status in pairs(statuses) do
      table.insert(services, ([[{ listen = "%s:%d", policy = { request = function()
        return require "neap".reply { status = %d }
      end } }]]):format(address, port, status))
    end
    local config = "return { workers = 1, services = { %s } }"
    neap.start { config = config:format(table.concat(services, ", ")) }
    for address, status in pairs { ["127.0.0.1"] = 211, ["127.0.0.2"] = 210, ["[::1]"] = 212 } do
      for _ = 1, 3 do assert.equal(status, client.get(address .. ":" .. port).status) end
    end
  end)

  it("may be many", function()
    local list = {}
    for i = 1, 300 do list[i] = ('"127.0.%d.%d:P"'):format(1 + i % 3, 1 + i % 250) end
    local port, web = free_port(), origin.start {}
    local n = neap.start { config = neap.config({ web }, 'listen = "127.0.0.9:0"') }
    reload(n, 2, neap.config({ web }, listening(table.concat(list, ", "), port)))
    assert.equal(200, client.get("127.0.1.4:" .. port).status)
    reload(n, 3, neap.config({ web }, listening('":P"', port)))
    assert.equal(200, client.get("127.0.1.4:" .. port).status)
  end)

  it("that a failed reload had bound have taken no connection", function()
    local port, web = free_port(), origin.start {}
    local n = neap.start { config = neap.config({ web }, listening('":P"', port)),
      allow = { "reload" } }
    local _, taken = net.listen "127.0.0.1:0"
    local more = listening(('"127.0.0.1:P", %q'):format(taken), port)
    scope.write(n.dir .. "/config.lua", neap.config({ web }, more))
    n:signal "HUP"
    n:wait_log "reload failed"
    for _ = 1, 10 do assert.equal(200, client.get("127.0.0.1:" .. port).status) end
  end)

  it("are refused while another process has one of them", function()
    local port = free_port()
    local one = listening('"127.0.0.1:P"', port)
    local first = neap.start { config = neap.config({ origin.start {} }, one) }
    local config = neap.config({ 1 }, listening('":P", "127.0.0.2:P"', port))
    local files = { ["config.lua"] = config }
    local code, _, stderr = neap.run({ "-c", "config.lua" }, { files = files })
    assert.equal(1, code)
    assert.matches("in use", stderr)
    assert.equal(200, first:get("/").status)
  end)
end)

describe("the admin side's address", function()
  it("goes from all to one and back on its port", function()
    local port, web = free_port(), origin.start {}
    local function config(listen)
      return neap.config({ web }, ('admin = { listen = "%s" }'):format((listen:gsub("P", port))))
    end
    local n = neap.start { config = config ":P" }
    for i, listen in ipairs { "127.0.0.1:P", ":P", "0.0.0.0:P", "[::]:P" } do
      reload(n, i + 1, config(listen))
      n.admin = "127.0.0.1:" .. port
      assert.equal(200, admin.call(n, "GET", "/status").status)
    end
  end)

  it("changes places with a service's in one reload", function()
    local web, ports = origin.start {}, { free_port(), free_port() }
    local function config(mine, other)
      return neap.config({ web }, ('listen = "127.0.0.1:%d", admin = { listen = "127.0.0.1:%d" }')
        :format(mine, other))
    end
    local n = neap.start { config = config(ports[1], ports[2]) }
    for number = 2, 3 do
      local mine, other = ports[4 - number], ports[number - 1]
      reload(n, number, config(mine, other))
      n.admin = "127.0.0.1:" .. other
      assert.equal(200, admin.call(n, "GET", "/status").status)
      assert.equal(200, client.get(mine).status)
    end
  end)

  it("may lie beside a service's on the same port", function()
    local port, web = free_port(), origin.start {}
    local more = listening('":P"', port, ('admin = { listen = "127.0.0.1:%d" }'):format(port))
    local n = neap.start { config = neap.config({ web }, more) }
    n.admin = "127.0.0.1:" .. port
    assert.equal(200, admin.call(n, "GET", "/status").status)
    assert.equal(200, client.get("[::1]:" .. port).status)
  end)
end)
