-- `discover = { type = "etcd" }` with a real etcd: the keys are read once, then watched.
local admin = require "support.admin"
local null = require("cjson").null
local discovered = require "support.discovered"
local etcd = require "support.etcd"
local eventually = require "support.eventually"
local origin = require "support.origin"
local pki = require "support.pki"
local process = require "support.process"
local scope = require "support.scope"

local test = etcd.is_there and it or pending

describe("backends in etcd", function()
  local function start(e, more, options)
    return discovered.start(('type = "etcd", endpoints = { %q }, prefix = "/web/", %s')
      :format(e.url, more or ""), "workers = 2,", options)
  end

  local function shows(n, wanted, limit) discovered.shows(n, { wanted }, limit) end

  test("follow its keys: addresses, URLs, JSON, gRPC's form", function()
    local e = etcd.start()
    local web = origin.several(2)
    e:put("/web/1", web[1].address)
    e:put("/webs/9", "127.0.0.1:9")
    local n = start(e)
    for _ = 1, 4 do assert.equal("web1", n:get("/").body) end
    e:put("/web/2", ('{"url":"%s","weight":3,"tags":{"rack":"a"}}'):format(web[2].url))
    e:put("/web/3", '{"Op":0,"Addr":"127.0.0.1:7","Metadata":null}')
    e:put("/web/4", '"[::1]:8"')
    shows(n, ("%s %s 127.0.0.1:7 [::1]:8"):format(web[1].address, web[2].address))
    local second = admin.status(n).pools[1].backends[2]
    assert.equal(3, second.weight)
    assert.equal("a", second.tags.rack)
    e:delete "/web/1"
    e:delete "/web/3"
    e:delete "/web/4"
    shows(n, web[2].address)
    for _ = 1, 4 do assert.equal("web2", n:get("/").body) end
    local pool = admin.status(n).pools[1]
    assert.is_true(tonumber(pool.discover.revision) > tonumber(pool.backends[1].listed.revision))
  end)

  test("go with their leases", function()
    local e = etcd.start()
    local n = start(e)
    local lease = e:ctl("lease", "grant", "2"):match "lease (%x+)"
    e:put("/web/a", "127.0.0.1:1")
    e:put("/web/b", "127.0.0.1:2", "--lease=" .. lease)
    shows(n, "127.0.0.1:1 127.0.0.1:2")
    shows(n, "127.0.0.1:1", 20)
  end)

  test("stay while it is away, and are followed again", function()
    local e = etcd.start()
    local web = origin.several(2)
    e:put("/web/1", web[1].address)
    local n = start(e)
    e:kill()
    n:wait_log "backends stay as they are"
    for _ = 1, 4 do assert.equal("web1", n:get("/").body) end
    e:again()
    e:put("/web/1", web[2].address)
    eventually(function() return n:get("/").body == "web2" end, 30)
    n:wait_log "works again"
  end)

  test("stay when it has lost its memory, until there are some", function()
    local e = etcd.start()
    for i = 1, 5 do e:put("/web/" .. i, "127.0.0.1:" .. i) end
    local n = start(e)
    e:kill()
    e:forget()
    n:wait_log("the list is empty", 40)
    assert.equal(5, #admin.status(n).pools[1].backends)
    e:put("/web/1", "127.0.0.1:9")
    shows(n, "127.0.0.1:9", 40)
  end)

  test("are read again when it has forgotten the revision", function()
    local e = etcd.start()
    e:put("/web/1", "127.0.0.1:1")
    local n = start(e)
    process.signal(e.process.pid, "STOP") -- the watch ends meanwhile, and cannot begin again
    n:wait_log("stay as they are", 80)
    process.signal(e.process.pid, "CONT")
    for i = 1, 20 do e:put("/web/1", "127.0.0.1:" .. i) end
    local revision = e:ctl("get", "/web/1", "-w", "json"):match '"revision":(%d+)'
    assert(e:ctl("compact", revision))
    shows(n, "127.0.0.1:20", 40)
  end)

  test("may be too many, and are believed when they are fewer", function()
    local e = etcd.start()
    e:put("/web/1", "127.0.0.1:1")
    local n = start(e, "max_members = 3")
    for i = 2, 4 do e:put("/web/" .. i, "127.0.0.1:" .. i) end
    n:wait_log "which are too many %(discover.max_members is 3%)"
    assert.is_true(#admin.status(n).pools[1].backends <= 3)
    e:delete "/web/1"
    shows(n, "127.0.0.1:2 127.0.0.1:3 127.0.0.1:4", 40)
  end)

  test("are left out when their values are none", function()
    local e = etcd.start()
    for i = 1, 6 do e:put("/web/" .. i, "127.0.0.1:" .. i) end
    e:put("/web/7", '{"url":')
    e:put("/web/8", "")
    local n = start(e)
    local found = admin.status(n).pools[1]
    assert.equal(6, #found.backends)
    assert.equal(2, found.discover.left_out)
  end)

  test("are asked for with a password, and anew when the token is too old", function()
    local e = etcd.start { args = { "--auth-token-ttl", "1" } }
    for _, words in ipairs { { "user", "add", "root:secret" }, { "user", "grant-role", "root",
      "root" }, { "put", "/web/1", "127.0.0.1:1" }, { "auth", "enable" } } do
      assert(e:ctl(unpack(words)))
    end
    e.ctl_args = { "--user", "root:secret" }
    scope.write(e.dir .. "/password", "secret\n")
    local n = start(e, ("user = 'root', password_file = %q"):format(e.dir .. "/password"))
    shows(n, "127.0.0.1:1")
    e:put("/web/1", "127.0.0.1:2")
    shows(n, "127.0.0.1:2")
    local bad = start(e, "user = 'root', password = 'wrong'")
    bad:wait_log "no token for user root: it answers 400: .*authentication failed"
  end)

  test("come over TLS, with a certificate of our own", function()
    local ca = pki.ca { name = "etcd" }
    local server = ca:issue { ips = { "127.0.0.1" }, cn = "etcd" }
    local own = ca:issue { cn = "neap", usage = "clientAuth" }
    local e = etcd.start {
      tls = true,
      args = { "--cert-file", server.pem_path, "--key-file", server.key_path, "--client-cert-auth",
        "--trusted-ca-file", ca.pem_path },
      ctl_args = { "--cacert", ca.pem_path, "--cert", own.pem_path, "--key", own.key_path },
    }
    e:put("/web/1", "127.0.0.1:1")
    local n = start(e, ("tls = { ca = %q, certificate = %q, key = %q }"):format(ca.pem_path,
      own.pem_path, own.key_path))
    shows(n, "127.0.0.1:1")
    e:put("/web/2", "127.0.0.1:2")
    shows(n, "127.0.0.1:1 127.0.0.1:2")
    local stranger = start(e)
    stranger:wait_log "discover of pool .-: unknown CA"
    assert.are_not.equal(null, admin.status(stranger).pools[1].discover.error)
  end)
end)
