local client = require "support.client"
local eventually = require "support.eventually"
local process = require "support.process"
local proxied = require "support.proxied"

local GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
local MANY = 300

local function open_many(address)
  local list = {}
  for index = 1, MANY do
    list[index] = client.connect(address)
    list[index]:send(GET)
  end
  return list
end

local function answered(list)
  for index, c in ipairs(list) do
    local response = c:read_response()
    assert.is_truthy(response, "connection " .. index)
    assert.equal(200, response.status)
    c:close()
  end
end

describe("a storm of connections", function()
  it("that comes while the workers stand still is served when they go on", function()
    local n, web = proxied.start({}, "workers = 2")
    for _, pid in ipairs(n:workers()) do process.signal(pid, "STOP") end
    local list = open_many(n.address)
    for _, pid in ipairs(n:workers()) do process.signal(pid, "CONT") end
    answered(list)
    assert.equal(MANY, #web:requests())
  end)

  it("does not starve the connections that are there already", function()
    local n = proxied.start {}
    local c = client.connect(n.address)
    assert.equal(200, c:request("GET", "/").status)
    local list = open_many(n.address)
    c:send(GET)
    assert.equal(200, c:read_response().status)
    answered(list)
  end)

  it("of which all leave by reset leaves nothing open", function()
    local n, web = proxied.start {}
    assert.equal(200, n:get("/").status)
    local before = proxied.count_fds(n)
    for index, c in ipairs(open_many(n.address)) do c[index % 2 == 0 and "reset" or "close"](c) end
    assert.equal(200, n:get("/").status)
    -- what stays are idle connections to the backend, at most keepalive.connections
    eventually(function() return proxied.count_fds(n) <= before + 63 end)
    web:kill()
    eventually(function() return proxied.count_fds(n) < before + 1 end)
  end)
end)
