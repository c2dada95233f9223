-- Packets that look like QUIC's, of clients and backends that lie about connection ids.

local eventually = require "support.eventually"
local udp = require "support.udp"

local POLICY = [[policy = { key = require("neap").key.quic() }, ]]

local function id(text) return string.char(#text) .. text end

local function long(target, source) return "\192\0\0\0\1" .. id(target) .. id(source or "") end

local function short(target) return "\64" .. target .. " data" end

-- It answers packets with long headers with one of its own that has that id, all others by name.
local function backend(name, own)
  return udp.server(function(bytes)
    return bytes:byte() >= 128 and long("", own) .. name or name
  end)
end

local function begin(n, target)
  local c = udp.client(n.address)
  return c, c:ask(long(target, "me"))
end

describe("ids of QUIC", function()
  it("that are short do not take packets to a longer one that is known", function()
    local n = udp.start({ backend("a", "serverid"), backend("b", "serv") }, POLICY)
    local victim = begin(n, "first001")
    local forger = begin(n, "first002")
    assert.equal("b", forger:ask(short "serv"))
    assert.equal("a", victim:ask(short "serverid"))
    assert.is_true(forger:is_silent())
  end)

  it("of fewer than four bytes are not believed of a backend", function()
    local n = udp.start({ backend("a", "serverid"), backend("b", "x") }, POLICY)
    local victim = begin(n, "first001")
    local forger = begin(n, "first002")
    assert.equal("a", victim:ask(short "x, not yet known"))
    assert.is_true(forger:is_silent())
    assert.equal("b", forger:ask(short "x"))
  end)

  it("of fewer than eight bytes are no client's: its address finds the flow", function()
    local n = udp.start({ backend("a", "serverid"), backend("b", "serverix") }, POLICY)
    local c = begin(n, "x")
    local d, answer = begin(n, "x")
    assert.matches("b$", answer)
    assert.is_true(c:is_silent())
    assert.equal("a", c:ask(short "serverid"))
    assert.equal("b", d:ask(short "serverix"))
  end)

  it("that are new from one address begin flows, and the newest is found by it", function()
    local server = backend("a", "serverid")
    local n = udp.start({ server }, POLICY .. "responses = 1, ")
    local c = udp.client(n.address)
    for i = 1, 20 do c:send(long(("first%03d"):format(i))) end
    eventually(function() return #server:received() == 20 end)
    for _ = 1, 20 do assert.matches("a$", c:receive()) end
    assert.equal("a", c:ask(short "of nobody"))
  end)
end)
