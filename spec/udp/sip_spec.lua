-- SIP through a udp service: flows by Call-ID, or by Call-ID and client.

local udp = require "support.udp"

local function message(first, id, more)
  return table.concat({ first, "Via: SIP/2.0/UDP client.test;branch=z9hG4bK776", "Max-Forwards: 70",
    "To: Bob <sip:bob@example.org>", "From: Alice <sip:alice@example.org>;tag=1928",
    (more or "Call-ID: ") .. id, "CSeq: 1 INVITE", "Content-Length: 0", "", "" }, "\r\n")
end

-- A server of calls: it says 200 to what is of a call that it knows, or begins one, else 481.
local function server(name)
  local calls = {}
  return udp.server(function(bytes)
    local id = bytes:match "\r\n[Cc]all%-[Ii][Dd]: *([^\r]+)" or bytes:match "\r\ni: *([^\r]+)"
    if bytes:find "^INVITE" then calls[id] = true end
    local status = calls[id] and "200 OK" or "481 Call/Transaction Does Not Exist"
    return message("SIP/2.0 " .. status, id) .. name
  end)
end

-- The status, and who answered.
local function ask(c, method, id, more)
  local answer = c:ask(message(method .. " sip:bob@example.org SIP/2.0", id, more))
  assert.truthy(answer:find("Call-ID: " .. id, 1, true))
  return answer:match "^SIP/2.0 (%d+)", answer:match "(%w+)$"
end

local function start(options)
  return udp.start({ server "a", server "b" },
    ('policy = { key = require("neap").key.sip(%s) },'):format(options or ""))
end

describe("SIP behind a udp service", function()
  it("keeps each call of one client with its server", function()
    local n = start()
    local c, servers = udp.client(n.address), {}
    for i = 1, 6 do
      local status
      status, servers[i] = ask(c, "INVITE", "call-" .. i .. "@client.test")
      assert.equal("200", status)
      assert.equal(i % 2 == 1 and "a" or "b", servers[i])
    end
    for i = 6, 1, -1 do
      local status, who = ask(c, "BYE", "call-" .. i .. "@client.test", "i: ")
      assert.equal("200", status)
      assert.equal(servers[i], who)
    end
  end)

  it("keeps a call whose client comes from another address", function()
    local n = start()
    assert.equal("200", ask(udp.client(n.address), "INVITE", "x@client.test"))
    assert.equal("200", ask(udp.client(n.address), "INVITE", "y@client.test"))
    local moved = udp.client(n.address, { from = "127.0.0.3" })
    assert.equal("200", ask(moved, "BYE", "x@client.test"))
    assert.equal("200", ask(moved, "BYE", "y@client.test"))
  end)

  it("lets nobody else into a call, where the Call-ID is the client's own", function()
    local n = start '{ of = "client" }'
    local c, thief = udp.client(n.address), udp.client(n.address, { from = "127.0.0.3" })
    assert.equal("200", ask(c, "INVITE", "x@client.test"))
    assert.equal("481", ask(thief, "BYE", "x@client.test"))
    assert.equal("200", ask(c, "BYE", "x@client.test"))
  end)
end)
