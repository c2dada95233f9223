-- QUIC through a udp service, with ngtcp2's server and client: flows are found by connection ids.

local eventually = require "support.eventually"
local nat = require "support.nat"
local process = require "support.process"
local quic = require "support.quic"
local scope = require "support.scope"
local udp = require "support.udp"

local test = quic.is_there and it or pending

local BIG = ("0123456789abcdef"):rep(128 * 1024)

local function server() return quic.server { files = { big = BIG, small = "hello" } } end

-- The log tells of each flow: the client's port when it begins and when it ends, and its backend.
local POLICY = [[policy = { key = require("neap").key.quic(%s),
    pick = function(request, pool)
      require("neap").log.info("begins %%s %%d", request.id, request.client_port)
      return %s
    end,
    log = function(request, outcome)
      require("neap").log.info("ends %%s %%d %%s", request.id, request.client_port,
        outcome.backend.name)
    end },
  timeouts = { udp = 4 },]]

local function start(servers, options, pick)
  return udp.start(servers, POLICY:format(options or "", pick or "pool:round_robin()"))
end

-- { backend =, before =, after = } of the flows that have ended.
local function flows(n)
  local list, log = {}, n:log()
  for id, after, backend in log:gmatch "ends (%S+) (%d+) (%S+)" do
    local before = log:match("begins " .. id:gsub("%-", "%%-") .. " (%d+)")
    table.insert(list, { backend = backend, before = before, after = after })
  end
  return list
end

describe("QUIC behind a udp service", function()
  test("gets its bytes, from each backend in turn", function()
    local n = start { server(), server() }
    for _ = 1, 2 do assert.equal("hello", quic.get(n.address, "small")) end
    local list = eventually(function() return #flows(n) == 2 and flows(n) end)
    assert.not_equal(list[1].backend, list[2].backend)
  end)

  for what, options in pairs { learnt = "", ["said in the config"] = "{ length = 18 }" } do
    test("keeps a client whose NAT gives it another port, with ids whose length is " .. what,
      function()
        local n = start({ server(), server() }, options)
        assert.equal("hello", quic.get(n.address, "small"))
        assert.is_true(BIG == quic.get(n.address, "big", { "--change-local-addr=20ms",
          "--nat-rebinding", "--delay-stream=60ms" }))
        local list = eventually(function() return #flows(n) >= 2 and flows(n) end)
        assert.equal(2, #list)
        assert.equal(list[1].before, list[1].after)
        assert.not_equal(list[2].before, list[2].after)
      end)
  end

  test("keeps it when that happens in the midst of a transfer", function()
    local n = start { server(), server() }
    local gate = nat.start(n.address, { after = 30 })
    assert.is_true(quic.get(gate.address, "big") == BIG)
    local list = eventually(function() return #flows(n) >= 1 and flows(n) end)
    assert.equal(1, #list)
    assert.not_equal(list[1].before, list[1].after)
  end)

  test("meets its backend again after it migrates, where pick goes by the client's address",
    function()
      local n = start({ server(), server() }, "", "pool:hash(request.client_ip)")
      assert.is_true(BIG == quic.get(n.address, "big", { "--change-local-addr=20ms",
        "--delay-stream=60ms" }))
      local list = eventually(function() return #flows(n) >= 2 and flows(n) end)
      assert.equal(list[1].backend, list[2].backend)
    end)

  test("goes on over a reload, and then at another port", function()
    local n = start { server(), server() }
    local gate, path = nat.start(n.address, { after = 12 }), scope.directory() .. "/done"
    process.fork(function()
      local text = quic.get(gate.address, "big", { "--delay-stream=2s" })
      scope.write(path, text == BIG and "same" or "other")
    end)
    n:wait_log "begins"
    n:signal "HUP"
    n:wait_log "reloaded: generation 2 serves"
    eventually(function() return scope.read(path) ~= "" end, 30)
    assert.equal("same", scope.read(path))
    assert.equal(1, n:count_log "begins")
  end)
end)
