local eventually = require "support.eventually"
local pki = require "support.pki"
local process = require "support.process"
local redis = require "support.redis"
local redis_hook = require "support.redis_hook"
local scope = require "support.scope"
local testing = require "neap.testing"

local function at(server, more) return ("address = %q, %s"):format(server.address, more or "") end

local function cli(server, ...)
  local _, out = process.run { argv = { "redis-cli", "-p", tostring(server.port), ... } }
  return (out:gsub("%s+$", ""))
end

describe("neap.redis", function()
  it("gives what Redis says, over one connection", function()
    local server = redis.start()
    local ask = redis_hook.asker(at(server))
    assert.equal("OK; 1; 3; nil", ask "SET a 1; GET a; APPEND a 23; GET b")
    assert.equal("2; {a=1 b=2}; {x y}", ask "HSET h a 1 b 2; HGETALL h; EVAL return{'x','y'} 0")
    assert.equal("{123 null}; 1.5", ask "MGET a none; INCRBYFLOAT f 1.5")
    assert.matches("^why: ERR unknown command 'NOSUCH'", ask "NOSUCH x")
    assert.matches("^why: WRONGTYPE ", ask "INCR h")
    assert.equal(1, server:clients())
  end)

  it("knows the types of RESP3", function()
    local ask = redis_hook.asker(at(redis.start { "--enable-debug-command", "yes" }))
    for name, wanted in pairs { string = "Hello World", integer = "12345", double = "3.141",
      null = "nil", ["true"] = "true", ["false"] = "false", array = "{0 1 2}", set = "{0 1 2}",
      map = "{false true false}", bignum = "1234567999999999999999999999999999999",
      attrib = "Some real reply following the attribute",
      verbatim = "This is a verbatim\nstring" } do
      assert.equal(wanted, ask("DEBUG PROTOCOL " .. name))
    end
  end)

  it("sends many commands at once, transactions too", function()
    local server = redis.start()
    local n = redis_hook.start(at(server), [[
      local many = {}
      for i = 1, 5000 do many[i] = { "INCRBY", "n", 2 } end
      local replies = assert(r:pipeline(many))
      local all = assert(r:pipeline { { "MULTI" }, { "SET", "a", 1.5 }, { "INCR", "a" },
        { "GET", "none" }, { "EXEC" } })
      return #replies .. " " .. replies[5000] .. " " .. shown(all[5]) .. " " .. #r:pipeline {}]])
    assert.equal("5000 10000 {OK {err=ERR value is not an integer or out of range} null} 0",
      n:get("/").body)
    assert.equal(1, server:clients())
  end)

  it("keeps no connection that a command has changed", function()
    local server = redis.start()
    local ask = redis_hook.asker(at(server))
    assert.equal("OK; OK; 1; OK; 1", ask "SET a 1; SELECT 3; GET a; MULTI; GET a")
    eventually(function() return server:clients() <= 1 end)
  end)

  it("has users, passwords and databases", function()
    local server = redis.start { "--requirepass", "secret" }
    local ask = redis_hook.asker(at(server, 'password = "secret", db = 2'))
    assert.equal("OK; ada", ask "SET a 1; EVAL return'ada' 0")
    assert.equal("1", cli(server, "-a", "secret", "--no-auth-warning", "-n", "2", "get", "a"))
    cli(server, "-a", "secret", "--no-auth-warning", "acl", "setuser", "ada", "on", ">love",
      "~*", "+@all")
    local as_ada = redis_hook.asker(at(server, 'user = "ada", password = "love"'))
    assert.equal("ada", as_ada "ACL WHOAMI")
    assert.matches("^why: WRONGPASS ", (redis_hook.asker(at(server, 'password = "x"'))) "GET a")
    assert.matches("^why: NOAUTH ", (redis_hook.asker(at(server))) "GET a")
  end)

  it("goes on when Redis was away", function()
    local server = redis.start()
    local ask, n = redis_hook.asker(at(server))
    assert.equal("OK; 1", ask "SET a 1; GET a")
    server:kill()
    assert.equal("why: connection refused", ask "GET a")
    local again = redis.start(nil, server.address)
    assert.equal("nil; OK", ask "GET a; SET a 2")
    assert.equal(1, again:clients())
    assert.is_true(n:alive())
  end)

  it("ends a wait with its time, and the connection with it", function()
    local server = redis.start()
    local ask = redis_hook.asker(at(server, "timeout = 0.3"))
    assert.equal("why: timeout; OK", ask "BLPOP none 60; SET a 1")
    eventually(function() return server:clients() == 1 end)
  end)

  it("speaks TLS", function()
    local ca = pki.ca { name = "a CA of specs" }
    local own, folder = ca:issue { ips = { "127.0.0.1" } }, scope.directory()
    scope.write(folder .. "/own.pem", own.pem)
    scope.write(folder .. "/own.key", own.key)
    local server = redis.start { "--port", "0", "--tls-port", "PORT", "--tls-auth-clients", "no",
      "--tls-cert-file", folder .. "/own.pem", "--tls-key-file", folder .. "/own.key",
      "--tls-ca-cert-file", folder .. "/own.pem" }
    local ask = redis_hook.asker(at(server, ("tls = { ca = %q }"):format(ca.pem)))
    assert.equal("OK; 1", ask "SET a 1; GET a")
    assert.equal('why: unknown CA: "a CA of specs"', (redis_hook.asker(at(server, "tls = true")))
      "GET a")
  end)

  it("is a table of answers in the test kit", function()
    local policy = { request = function()
      local neap = require "neap"
      local r = neap.redis { address = "redis:6379", password = "x", db = 2 }
      local list = assert(r:pipeline { { "INCR", "n" }, { "GET", "none" }, { "LRANGE", "l" } })
      local _, why = r:call "BAD"
      return neap.reply { body = table.concat({ r:call("GET", "a"), list[1], list[3][2], why,
        tostring(list[2] == neap.redis.null), tostring(r:call("GET", "none")) }, " ") }
    end }
    local network = { redis = { ["redis:6379"] = { ["GET a"] = "one", BAD = { err = "ERR no" },
      INCR = function(name) return #name + 6 end, LRANGE = { "x", "y" } } } }
    assert.equal("one 7 y ERR no true nil",
      testing.pool(1, { policy = policy, network = network }):send().body)
  end)
end)
