-- Against reality: requests go through the real balancer to real backends, and once more, with the
-- times at which they were really sent, through a simulated one. How many each backend gets is
-- judged always, how long they take only where the machine had time to send them when due.

local cjson = require "cjson"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local scheduler = require "support.scheduler"
local sim = require "support.sim"
local stream = require "support.stream"

local COUNT, RATE = 300, 100
local FAST, SLOW = 0.01, 0.06

-- Backends that serve one request at a time, first come first served, as long as the path says.
local BACKENDS = [[
  local neap = require "neap"
  local function server(name)
    local free = 0
    return { request = function(request)
      free = math.max(free, neap.now()) + tonumber(request.path:match "%d+") / 1000
      neap.sleep(math.max(free - neap.now(), 1e-4))
      return neap.reply { status = 200, body = name }
    end }
  end
  return { workers = 1, services = {
    { listen = "127.0.0.1:0", policy = server "b1" },
    { listen = "127.0.0.1:0", policy = server "b2" },
  } }
]]

local function start_balancer(policy)
  local backends = neap.start { config = BACKENDS }
  local urls = {}
  for i, port in ipairs(backends.ports) do urls[i] = "http://127.0.0.1:" .. port end
  return neap.start { config = neap.config(urls, ('policy = "%s", health = { type = "none" }')
    :format(policy)) }
end

-- Sends one request at its time; notes when that was and how long the answer took.
local function ask(loop, entry, address)
  loop.at(entry.at)
  local fd = assert(net.connect(address))
  local s = stream.new(fd, loop.wait)
  entry.sent = eventually.now()
  assert(s:send(("GET /%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    :format(entry.service * 1000)))
  assert.matches("^HTTP/1.1 200 ", s:read_until "\r\n\r\n")
  entry.took = eventually.now() - entry.sent
  entry.backend = s:read(2)
  s:close()
end

local function drive(address)
  local loop, entries, at = scheduler.new(), {}, eventually.now() + 0.1
  math.randomseed(11)
  for i = 1, COUNT do
    at = at - math.log(1 - math.random()) / RATE
    entries[i] = { at = at, service = math.random() < 0.1 and SLOW or FAST }
    loop:spawn(ask, loop, entries[i], address)
  end
  loop:run()
  return entries
end

local function quantile(entries, share, what)
  local list = {}
  for i, entry in ipairs(entries) do list[i] = what(entry) end
  table.sort(list)
  return list[math.ceil(share * #list)]
end

local function trace_of(entries)
  local lines = {}
  for i, entry in ipairs(entries) do
    lines[i] = cjson.encode { time = 1795000000 + entry.sent - entries[1].at, path = "/",
      client_ip = "127.0.0.1", total = entry.service }
  end
  return table.concat(lines, "\n") .. "\n"
end

local function took(entry) return entry.took end
local function late(entry) return entry.sent - entry.at end

-- Within 15 %, or the 5 ms that three processes add to any request.
local function do_agree(simulated, real)
  return math.abs(simulated - real) <= math.max(real * 0.15, 0.005 * eventually.slowness)
end

local function count(entries, backend)
  local n = 0
  for _, entry in ipairs(entries) do n = n + (entry.backend == backend and 1 or 0) end
  return n
end

-- Sent later than this, requests meet other queues than in the simulation.
local LATE, TRIES = 0.001, 5

-- One run; what it says of the times, or nil where they agree.
local function try(address, policy, band)
  local entries = drive(address)
  local p = sim.run { "--backends 2 --trace real.log --policy " .. policy,
    files = { ["real.log"] = trace_of(entries) } }.policies[1]
  assert.equal(COUNT, p.requests)
  assert.equal("b1", p.backends[1].name)
  local real = count(entries, "b1")
  assert.equal(COUNT, real + count(entries, "b2"))
  assert.is_true(math.abs(p.backends[1].count - real) <= band)
  local p50, p99 = quantile(entries, 0.5, took), quantile(entries, 0.99, took)
  if do_agree(p.latency.p50, p50) and do_agree(p.latency.p99, p99) then return end
  return ("p50 %.4f s, really %.4f s; p99 %.4f s, really %.4f s"):format(p.latency.p50, p50,
    p.latency.p99, p99), quantile(entries, 0.99, late)
end

-- BAND: by how many requests they may differ. One of the tries in which all were sent in time must
-- agree; without one there is nothing to judge times by.
local function compare(policy, band)
  local address, told = start_balancer(policy).address, {}
  for _ = 1, TRIES do
    local text, lateness = try(address, policy, band)
    if not text then return end
    if lateness <= LATE then table.insert(told, text) end
  end
  if #told > 1 then error(table.concat(told, "\n")) end
end

describe("neap sim and the real balancer", function()
  it("agree on round robin", function() compare("round_robin", 0) end)
  it("agree on least connections", function() compare("least_connections", COUNT * 0.1) end)
end)
