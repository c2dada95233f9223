local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local proxied = require "support.proxied"
local tcp = require "support.tcp"

local function several(count)
  local list = {}
  for i = 1, count do list[i] = origin.start { connection = tcp.named("b" .. i) } end
  return list
end

local function open(n)
  local c = client.connect(n.address)
  return c, (c:receive_until "\n")
end

-- A reset may come before the connect was looked at.
local function ended_by(n, bytes)
  local ok, c = pcall(client.connect, n.address)
  if not ok then return c:match "%a+$" end
  c:try_send(bytes or "")
  local _, why = c:receive_all()
  return why
end

describe("the backends of a tcp service", function()
  it("take turns, by connection", function()
    local n = tcp.before(several(3))
    local seen = {}
    for _ = 1, 6 do
      local _, name = open(n)
      table.insert(seen, name)
    end
    assert.same({ "b1\n", "b2\n", "b3\n", "b1\n", "b2\n", "b3\n" }, seen)
  end)

  it("are chosen by how many connections they have", function()
    local b = several(2)
    local n = tcp.before(b, [[policy = { pick = function(_, pool)
      return pool:least_loaded()
    end }]])
    local count = { ["b1\n"] = 0, ["b2\n"] = 0 }
    local by_name = { ["b1\n"] = {}, ["b2\n"] = {} }
    for _ = 1, 8 do
      local c, name = open(n)
      count[name] = count[name] + 1
      table.insert(by_name[name], c)
    end
    assert.same({ ["b1\n"] = 4, ["b2\n"] = 4 }, count)
    for _, c in ipairs(by_name["b2\n"]) do c:close() end
    eventually(function() return b[2]:open_connections() == 0 end)
    for _ = 1, 4 do assert.equal("b2\n", select(2, open(n))) end
  end)

  it("that refuse are skipped: the next one gets the connection and all its bytes", function()
    local dead = net.refused()
    local o = origin.start { connection = tcp.echo }
    local n = tcp.before({ dead, o })
    for _ = 1, 4 do
      local c = client.connect(n.address)
      c:send "early"
      assert.equal("early", c:receive(5))
    end
    n:wait_log(("tcp://%s is dead."):format(dead))
  end)

  it("that do not answer are given up after timeouts.connect", function()
    local n = tcp.before({ (net.silent()), origin.start { connection = tcp.named "b" } },
      [[timeouts = { connect = 0.3 }, policy = { failed = function() return "retry" end }]])
    local _, name = open(n)
    assert.equal("b\n", name)
  end)

  it("that are all dead: the client is reset", function()
    local one, other = net.refused(), (net.refused())
    local n = tcp.before { one, other }
    assert.equal("reset", ended_by(n, "hello"))
    assert.equal("reset", ended_by(n))
    for _, dead in ipairs { one, other } do n:wait_log(("tcp://%s is dead."):format(dead)) end
  end)

  it("come back once they are checked alive", function()
    local o = several(1)[1]
    local n = neap.start { config = neap.config({ "tcp://" .. o.address },
      'mode = "tcp", health = { interval = 0.2, recheck = 0.1 }') }
    n:wait_log "checked ok"
    o:kill()
    assert.equal("reset", ended_by(n))
    o:start_again()
    eventually(function()
      local _, name = open(n)
      return name == "b1\n"
    end)
  end)

  it("count what they have, and count it down to nothing", function()
    local o = several(1)[1]
    local n = tcp.before({ o }, [[policy = {
      pick = function(_, pool)
        require "neap".log.info("inflight %d", pool[1].inflight)
        return pool[1]
      end,
    }]])
    local a, b = open(n), open(n)
    n:wait_log "inflight 1"
    a:close()
    b:reset()
    eventually(function() return o:open_connections() == 0 end)
    local before = n:count_log "inflight 0"
    eventually(function()
      open(n):close()
      return n:count_log "inflight 0" > before
    end)
  end)
end)

describe("the hooks of a tcp service", function()
  it("run once a connection, with the connection's fields", function()
    local n = tcp.before(several(1), [[policy = {
      request = function(r)
        require "neap".log.info("request %s %s %s %s %s %s", r.scheme, r.client_ip,
          tostring(r.path), tostring(r.method), tostring(r.host), tostring(r:header "host"))
        r.ctx.seen = r.client_port
      end,
      log = function(r, o)
        require "neap".log.info("log %s %d %d %d %s", r.ctx.seen == r.client_port, o.status,
          o.bytes, o.attempts, o.reason)
      end,
    }]])
    local c = open(n)
    for _ = 1, 3 do
      c:send "12345"
      c:receive(5)
    end
    c:close()
    n:wait_log "log true 200 18 1 nil"
    assert.equal(1, n:count_log "request tcp 127.0.0.1 nil nil nil nil")
  end)

  it("may refuse: the client is reset", function()
    for _, hook in ipairs {
      [[request = function() return require "neap".reply { status = 403, body = "x" } end]],
      [[pick = function() return nil, "none for you" end]],
    } do
      local n = tcp.before(several(1), ([[policy = { %s,
        log = function(_, o) require "neap".log.info("log %%d %%s", o.status, o.reason) end,
      }]]):format(hook))
      assert.equal("reset", ended_by(n, "hello"))
      local status, reason = n:wait_log "log (%d+) ([^\n]+)"
      assert.is_true(status == "403" and reason == "the policy refused it"
        or status == "503" and reason == "none for you")
    end
  end)

  it("may stick to the client's address", function()
    local n = tcp.before(several(4), [[policy = { pick = function(r, pool)
      return pool:hash(r.client_ip)
    end }]])
    local _, first = open(n)
    for _ = 1, 5 do
      local _, name = open(n)
      assert.equal(first, name)
    end
  end)

  it("decide beyond errors: the default stands in", function()
    local n = tcp.before(several(1), [[policy = { pick = function(r)
      return r.path.x
    end }]], { "hook pick" })
    local _, name = open(n)
    assert.equal("b1\n", name)
  end)
end)

describe("limits.connections of a tcp service", function()
  it("turns away with a reset, until one is free", function()
    local n = tcp.before(several(1), "limits = { connections = 2 }")
    local fds = proxied.count_fds(n)
    local a = open(n)
    open(n)
    assert.equal("reset", ended_by(n))
    a:close()
    eventually(function()
      local c = client.connect(n.address)
      return c:receive_until "\n" == "b1\n"
    end)
    assert.is_true(proxied.count_fds(n) <= fds + 6)
  end)
end)
