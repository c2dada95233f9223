local eventually = require "support.eventually"
local neap = require "support.neap"
local scope = require "support.scope"
local udp = require "support.udp"

-- The text before the blank is the key.
local WORD = [[policy = { key = function(d) return d.bytes:match "^(%w+) " end },]]

describe("a udp service whose policy has the hook key", function()
  it("finds the flow of a client whose address changes, and answers to the new one", function()
    local n = udp.start({ udp.named "a", udp.named "b" }, WORD)
    local before, other = udp.client(n.address), udp.client(n.address)
    assert.equal("a: k1 x", before:ask "k1 x")
    assert.equal("b: k2 x", other:ask "k2 x")
    local after = udp.client(n.address, { from = "127.0.0.2" })
    for _ = 1, 3 do assert.equal("a: k1 y", after:ask "k1 y") end
    assert.equal("a: k1 z", before:ask "k1 z")
    assert.is_true(after:is_silent())
  end)

  it("has many flows of one address", function()
    local n = udp.start({ udp.named "a", udp.named "b" }, WORD)
    local c = udp.client(n.address)
    for round = 1, 3 do
      for i = 1, 6 do
        local text = ("k%d %d"):format(i, round)
        assert.equal((i % 2 == 1 and "a: " or "b: ") .. text, c:ask(text))
      end
    end
  end)

  it("finds flows by address where it returns nil", function()
    local n = udp.start({ udp.named "a", udp.named "b" }, WORD)
    local c, d = udp.client(n.address), udp.client(n.address)
    assert.equal("a: nothing", c:ask "nothing")
    assert.equal("b: nothing", d:ask "nothing")
    assert.equal("a: again", c:ask "again")
  end)

  it("keeps clients apart that have the same key, where that is the client's own", function()
    local n = udp.start({ udp.named "a", udp.named "b" },
      [[policy = { key = function(d) return d.bytes:match "^%w+", "client" end },]])
    local c, d = udp.client(n.address), udp.client(n.address)
    assert.equal("a: same", c:ask "same")
    assert.equal("b: same", d:ask "same")
    assert.equal("a: same", c:ask "same")
  end)

  it("gives the key to the hooks of the flow, and the datagram's client to key", function()
    local n = udp.start({ udp.named "a", udp.named "b" }, [[policy = {
      key = function(d) return d.client_ip .. "-" .. d.client_port .. "-" .. d.bytes end,
      pick = function(request, pool) return pool:find(request.key:match "%w$") or pool[1] end,
      log = function(request, outcome)
        require("neap").log.info("%s ended: %d", request.key, outcome.bytes)
      end },
      timeouts = { udp = 0.3 }, ]])
    local c = udp.client(n.address)
    assert.matches(": b$", c:ask "b")
    n:wait_log(("127.0.0.1%%-%d%%-b ended: 4"):format(c.port))
  end)

  it("goes on by address when the hook errs, and says so", function()
    local n = udp.start({ udp.named "a", udp.named "b" },
      [[policy = { key = function(d) return d.nothing end },]], { "hook key" })
    local c = udp.client(n.address)
    assert.equal("a: x", c:ask "x")
    assert.equal("a: x", c:ask "x")
    n:wait_log "datagram has no 'nothing'"
  end)

  it("drops the datagram when the hook errs and the service is a guard", function()
    local n = udp.start({ udp.named "a" },
      [[guard = true, policy = { key = function() error "no" end },]], { "hook key" })
    local c = udp.client(n.address)
    c:send "x"
    n:wait_log "hook key of service"
    assert.is_true(c:is_silent())
  end)

  it("refuses what is no key", function()
    for text, line in pairs {
      ["42"] = "key returned a number %(expected a text of 1 to 255 bytes, or nil%)",
      ["('x'):rep(256)"] = "key returned 256 bytes",
      ['"a", "mine"'] = "key returned 'mine' beside its key",
    } do
      local n = udp.start({ udp.named "a" },
        ("policy = { key = function() return %s end },"):format(text), { "hook key" })
      assert.equal("a: x", udp.client(n.address):ask "x")
      n:wait_log(line)
    end
  end)

  it("is asked by neap -t", function()
    local code, text = neap.check(udp.config({ 9 },
      "policy = { key = function(d) return d.byte end },"))
    assert.equal(1, code)
    assert.matches("key of service", text, 1, true)
    assert.matches("datagram has no 'byte'; did you mean 'bytes'?", text, 1, true)
  end)

  it("is refused where there are no datagrams", function()
    local code, text = neap.check(neap.config({ 9 }, "policy = { key = function() end },"))
    assert.equal(1, code)
    assert.matches('its hook key is about datagrams, and the service has mode = "http"',
      text, 1, true)
  end)

  it("sends all datagrams of the service to one worker", function()
    local n = udp.start({ udp.named "a", udp.named "b", udp.named "c" }, "workers = 3," .. WORD)
    local answer
    for i = 1, 20 do
      local c = udp.client(n.address)
      local text = c:ask("key " .. i):match "^%w"
      answer = answer or text
      assert.equal(answer, text)
    end
  end)

  it("does not let a client move a flow that policy.connection refuses", function()
    local n = udp.start({ udp.named "a" }, [[policy = {
      key = function(d) return d.bytes:match "^%w+" end,
      connection = function(c) if c.client_ip == "127.0.0.2" then return "close" end end },]])
    local c, thief = udp.client(n.address), udp.client(n.address, { from = "127.0.0.2" })
    assert.equal("a: k", c:ask "k")
    thief:send "k"
    assert.is_true(thief:is_silent())
    assert.equal("a: k", c:ask "k")
  end)

  it("forgets the key with its flow", function()
    local server = udp.named "a"
    local n = udp.start({ server }, WORD .. "timeouts = { udp = 0.3 }, access_log = { target = "
      .. '"access.log", format = "json" },')
    udp.client(n.address):ask "k 1"
    eventually(function() return scope.read(n.dir .. "/access.log"):find "\n" end)
    udp.client(n.address):ask "k 2"
    local list = server:received()
    assert.not_equal(list[1].from, list[2].from)
  end)
end)
