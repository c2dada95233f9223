-- A backend's name whose addresses change while it serves.
local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local client = require "support.client"
local dns_server = require "support.dns_server"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

-- A resolv.conf of its own takes a mount, which takes root.
local is_able = unistd.geteuid() == 0 and process.run { argv = { "unshare", "-m", "true" } } == 0
local test = is_able and it or pending

local WRAPPER = [[#!/bin/sh
exec unshare -m sh -c 'mount --bind %s /etc/resolv.conf && exec "$@"' sh %s "$@"
]]

describe("a name with several addresses", function()
  local binary = neap.binary
  after_each(function() neap.binary = binary end)

  local function start(dns, config)
    local path = scope.directory() .. "/neap"
    scope.write(path, WRAPPER:format(dns.resolv_conf, binary))
    stat.chmod(path, tonumber("755", 8))
    neap.binary = path
    return neap.start { config = config }
  end

  test("gains and loses some, and keeps its state, its connections and its counts", function()
    local two = origin.start { name = "two", address = "127.0.0.2:0" }
    origin.start { name = "three", address = "127.0.0.3:" .. two.port }
    local dns = dns_server.start "web.test"
    dns:set { "127.0.0.2" }
    local n = start(dns,
      neap.config({ "http://web.test:" .. two.port }, "health = { interval = 1 }"))
    n:wait_log "http://web%.test:%d+ checked ok by healthcheck"
    local kept = client.connect(n.address)
    assert.equal("two", kept:request("GET", "/").body)
    dns:set { "127.0.0.3", "127.0.0.4" }
    n:wait_log("web%.test is now 127%.0%.0%.[34], 127%.0%.0%.[34]\n", 12)
    eventually(function() return kept:request("GET", "/").body == "three" end)
    assert.equal("three", n:get().body)
    eventually(function() return two:open_connections() == 0 end)
    assert.equal(0, n:count_log " of pool %S+: ")
    assert.equal(0, n:count_log "dead")
  end)
end)
