-- What name servers may do: answer half of a question, give no time to live, be others meanwhile.
local dns_server = require "support.dns_server"
local etc = require "support.etc"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local test = etc.is_able and it or pending

describe("a backend's name", function()
  local function start(resolv_conf, port, more)
    local keys = 'health = { type = "none" }' .. (more or "")
    return neap.start {
      config = neap.config({ "http://web.test:" .. port }, keys),
      binary = etc.binary { ["resolv.conf"] = resolv_conf },
    }
  end

  for _, v6 in ipairs { "silent", "fails" } do
    test("is used with IPv4 alone while the server " .. v6 .. " about IPv6", function()
      local web = origin.start { name = "two", address = "127.0.0.2:0" }
      local dns = dns_server.start("web.test", { v6 = v6 })
      dns:set { "127.0.0.2" }
      local begun = eventually.now()
      local n = start(dns.resolv_conf, web.port)
      assert.equal("two", n:get().body)
      assert.is_true(eventually.now() - begun < 4 * eventually.slowness)
    end)
  end

  for _, kind in ipairs { "silent", "refuses" } do
    test("is asked of the second server when the first one " .. kind, function()
      local web = origin.start { name = "two", address = "127.0.0.2:0" }
      local dns = dns_server.start "web.test"
      dns:set { "127.0.0.2" }
      local path = scope.directory() .. "/resolv.conf"
      scope.write(path, dns_server.dead(kind) .. dns_server.dead(kind) .. dns.nameserver)
      local n = start(path, web.port)
      assert.equal("two", n:get().body)
      assert.is_nil(n:log():find("cannot resolve", 1, true))
    end)
  end

  test("is looked up again soon when its time to live is 0", function()
    local two = origin.start { name = "two", address = "127.0.0.2:0" }
    origin.start { name = "three", address = "127.0.0.3:" .. two.port }
    local dns = dns_server.start("web.test", { ttl = 0 })
    dns:set { "127.0.0.2" }
    local n = start(dns.resolv_conf, two.port)
    assert.equal("two", n:get().body)
    dns:set { "127.0.0.3" }
    eventually(function() return n:get().body == "three" end, 10)
  end)

  test("is asked of the new servers when resolv.conf is another one", function()
    local web = origin.start { name = "two", address = "127.0.0.2:0" }
    local dns = dns_server.start "web.test"
    dns:set { "127.0.0.2" }
    local path = scope.directory() .. "/resolv.conf"
    scope.write(path, "nameserver 127.99.99.99\noptions timeout:1 attempts:1\n")
    local n = start(path, web.port, [[, policy = { request = function(request)
      if request.path ~= "/look" then return end
      local neap = require "neap"
      local list, why = neap.dns.resolve("web.test", 1)
      return neap.reply { status = 200, body = list and list[1] or why }
    end }]])
    n:wait_log "cannot resolve web%.test: "
    assert.not_equal("127.0.0.2", n:get("/look").body)
    scope.write(path, dns.nameserver)
    eventually(function() return n:get("/look").body == "127.0.0.2" end, 5)
    eventually(function() return n:get("/").body == "two" end, 5)
    n:wait_log "info /etc/resolv%.conf is another one: names are looked up again"
  end)
end)
