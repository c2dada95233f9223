-- A udp service before real servers of DNS: dnsmasq, asked by clients and by checks of type "dns".

local eventually = require "support.eventually"
local process = require "support.process"
local udp = require "support.udp"

local function is_there(program)
  return process.run { argv = { "sh", "-c", "command -v " .. program } } == 0
end

local test = is_there "dnsmasq" and it or pending

-- On a port of loopback that is free for UDP and perhaps for TCP, which dnsmasq takes, too.
local function try_dnsmasq(address)
  local c = udp.client "127.0.0.1:1"
  c:close()
  local p = process.spawn { name = "dnsmasq", argv = { "dnsmasq", "--keep-in-foreground",
    "--pid-file=", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
    "--bind-interfaces", "--listen-address=127.0.0.1", "--log-facility=-",
    "--port=" .. c.port, "--address=/test/" .. address } }
  eventually(function() return p:log():find "started, version" or not p:alive() end)
  return p:alive() and { address = "127.0.0.1:" .. c.port, process = p } or nil
end

-- It answers every name of test with that address.
local function dnsmasq(address)
  return eventually(function() return try_dnsmasq(address) end, 30, "a port that is free")
end

local QUESTION = "\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1"

-- The last four bytes of the answer: its address.
local function ask(c, id, question)
  c:send("id" .. (question or QUESTION))
  local answer = c:receive()
  assert.equal("id", answer:sub(1, 2), id)
  return table.concat({ answer:byte(-4, -1) }, ".")
end

describe("dnsmasq behind a udp service", function()
  test("is asked anew with each question, where requests = 1", function()
    local n = udp.start({ dnsmasq "10.0.0.1", dnsmasq "10.0.0.2" },
      "responses = 1, requests = 1,")
    local c = udp.client(n.address)
    for i = 1, 6 do assert.equal("10.0.0." .. (i - 1) % 2 + 1, ask(c)) end
  end)

  test("gets each name at one server, where pick goes by the flow's key", function()
    local n = udp.start({ dnsmasq "10.0.0.1", dnsmasq "10.0.0.2" }, [[responses = 1,
      policy = { key = require("neap").key.dns(),
        pick = function(request, pool) return pool:hash(request.key) end },]])
    local c, places, used = udp.client(n.address), {}, {}
    for round = 1, 3 do
      for i = 10, 33 do
        local name = (round == 2 and "N%d" or "n%d"):format(i)
        local place = ask(c, "id", QUESTION:gsub("\1a", "\3" .. name, 1))
        places[i] = places[i] or place
        used[place] = true
        assert.equal(places[i], place)
      end
    end
    assert.is_true(used["10.0.0.1"] and used["10.0.0.2"])
  end)

  test("is found dead and alive by a check of type dns", function()
    local one, two = dnsmasq "10.0.0.1", dnsmasq "10.0.0.2"
    local n = udp.start({ one, two }, [[responses = 1, requests = 1,
      health = { type = "dns", query = "a.test", record = "A", interval = 0.2, timeout = 1 },]])
    one.process:kill "KILL"
    n:wait_log "up → down"
    local c = udp.client(n.address)
    for _ = 1, 4 do assert.equal("10.0.0.2", ask(c)) end
  end)
end)
