-- Runs scenarios: starts the balancers, interleaves their rounds, hands back rows of figures.
local cjson = require "cjson"
local h2load = require "lib.h2load"
local peers = require "lib.peers"
local proc = require "lib.proc"
local stats = require "lib.stats"
local strace = require "lib.strace"
local udp = require "lib.udp"

local run = {}

-- set by main: rounds, seconds, warm, tmp, tools, progress; other_cpu: where load and backends run
run.options = { other_cpu = "1" }

local function start_h1_origin(many, tls)
  local log = run.options.tmp .. "/origin.log"
  local argv = { run.options.tools .. "/origin", "-n", many and 1 or 4 }
  if many then table.insert(argv, "-a") end
  if tls then
    table.insert(argv, "-t")
    table.insert(argv, peers.pem)
  end
  local pid = proc.start(argv, run.options.other_cpu, log)
  local limit = proc.now() + 5
  local ports
  repeat
    proc.sleep(0.02)
    ports = (proc.read(log) or ""):match "^ports([%d ]+)\n"
  until ports or proc.now() > limit
  assert(ports, "the backend did not start")
  return { pid }, ports
end

local function start_origin(who)
  if who.udp then return udp.start_backends(who.udp, run.options) end
  if who.h2_back then return h2load.start_backends(who.h2_back, run.options) end
  return start_h1_origin(who.many, who.tls_back)
end

-- Thousands of backends are addresses of 127.0.0.0/8, all of them one process.
local function addresses(ports, many)
  local list = {}
  if not many then
    for port in ports:gmatch "%d+" do table.insert(list, "127.0.0.1:" .. port) end
    return list
  end
  for i = 0, many - 1 do
    local address = ("127.1.%d.%d"):format(math.floor(i / 250), i % 250 + 1)
    table.insert(list, address .. ":" .. ports:match "%d+")
  end
  return list
end

local function start_all(scenario)
  local origins, started = {}, {}
  for i, who in ipairs(scenario.who) do
    local key = who.many and i or "few" -- thousands of connections each: a backend of its own
    if not origins[key] then
      local pids, ports = start_origin(who)
      origins[key] = { pids = pids, ports = ports }
    end
    local o = setmetatable({
      backends = addresses(origins[key].ports, who.many),
      dir = ("%s/%s-%d"):format(run.options.tmp, scenario.name, i),
    }, { __index = who })
    local peer, why = peers.start(o)
    if peer then
      table.insert(started, peer)
    else
      run.options.progress("  left out: " .. why:gsub("%s+$", ""))
    end
  end
  return started, origins
end

local function stop_all(started, origins)
  for _, peer in ipairs(started) do peers.stop(peer) end
  for _, origin in pairs(origins) do
    for _, pid in ipairs(origin.pids) do proc.stop(pid) end
  end
end

local function load_argv(peer, scenario, more)
  local argv = { run.options.tools .. "/load", "-p", table.concat(proc.tree(peer.pid), ",") }
  for _, list in ipairs { scenario.load or {}, more } do
    for _, word in ipairs(list) do table.insert(argv, word) end
  end
  table.insert(argv, peer.port)
  table.insert(argv, scenario.path)
  return argv
end

-- One run of the load generator: its figures, or a row with `errors` and `error`.
local function run_load(peer, scenario, more, seconds)
  if scenario.h2 then return h2load.run(peer, scenario, more, run.options) end
  if scenario.udp then return udp.run(peer, scenario, more, run.options) end
  local log = run.options.tmp .. "/load.log"
  local text, why = proc.run(load_argv(peer, scenario, more), run.options.other_cpu, log,
    seconds + 30)
  local ok, row = pcall(cjson.decode, text and text:match "{.*}" or "")
  if not ok then row = { errors = 1, requests = 0, error = why or "no figures: " .. text } end
  row.label = peer.label
  return row
end

run.load = run_load

-- One backend process with four ports: its process, and their addresses.
function run.start_backend()
  local pids, ports = start_h1_origin()
  return pids[1], addresses(ports, nil)
end

local function add_figures(row, peer, per)
  local units = per == "gb" and row.bytes / 1e9 * 1000 or row.requests
  row.rss_kb = proc.memory(proc.tree(peer.pid))
  if units <= 0 then
    row.errors = row.errors + 1
    row.error = row.error or "no answer at all"
    return
  end
  row.cpu = row.cpu_ns / 1000 / units
  row.rate = row.requests / row.seconds
  row.busy = row.cpu_ns / 1e9 / row.seconds
end

-- Rounds A B C A B C; those with an error are void.
local function rounds(scenario, started, more, finish)
  local o, rows, void = run.options, {}, {}
  for round = 1, o.rounds do
    for _, peer in ipairs(started) do
      local row = run_load(peer, scenario, more, o.warm + o.seconds)
      finish(row, peer)
      row.round = round
      table.insert(row.errors > 0 and void or rows, row)
      if row.errors > 0 then
        o.progress(("  void: %s: %d errors, %s"):format(peer.label, row.errors, row.error or "?"))
      end
    end
  end
  return rows, void
end

local function timing()
  return { "-s", run.options.seconds, "-w", run.options.warm }
end

local function by_label(started, rows, void, make)
  local list = {}
  for _, peer in ipairs(started) do
    local mine, bad = {}, 0
    for _, row in ipairs(rows) do
      if row.label == peer.label then table.insert(mine, row) end
    end
    for _, row in ipairs(void) do
      if row.label == peer.label then bad = bad + 1 end
    end
    local out = #mine > 0 and make(mine, peer) or {}
    out.label, out.rounds, out.void = peer.label, #mine, bad
    table.insert(list, out)
  end
  return list
end

-- The share of user time is taken over all rounds together: the kernel counts it in ticks.
local function summary(mine)
  local low, high = stats.spread(stats.column(mine, "cpu"))
  local cpu = stats.median(stats.column(mine, "cpu"))
  local ticks = stats.sum(stats.column(mine, "ticks"))
  local user = ticks > 0 and stats.sum(stats.column(mine, "user_ticks")) / ticks or 0
  return {
    cpu = cpu, cpu_low = low, cpu_high = high, user = cpu * user, system = cpu * (1 - user),
    rate = stats.median(stats.column(mine, "rate")),
    busy = stats.median(stats.column(mine, "busy")),
    rss_mb = stats.median(stats.column(mine, "rss_kb")) / 1024,
  }
end

local kinds = {}

-- What the slowest of the rows has reached; nil when none is whole.
local function slowest(rows)
  local rate
  for _, row in ipairs(rows) do
    if row.rate and row.rate < (rate or math.huge) then rate = row.rate end
  end
  return rate
end

local FIXED_PART = 0.6 -- of what the slowest reaches, so that nobody is short of time

-- The same offered rate for all: who is faster than the load generator sleeps more often, and would
-- pay for each time it is woken.
local function add_fixed(scenario, started, list)
  local rate = slowest(list)
  if not rate then return end
  local more = timing()
  table.insert(more, "-r")
  table.insert(more, math.max(rate * FIXED_PART, 1))
  local rows, void = rounds(scenario, started, more, function(row, peer)
    if row.errors == 0 then add_figures(row, peer, scenario.per) end
  end)
  local fixed = by_label(started, rows, void, summary)
  for i, row in ipairs(list) do
    row.fixed_cpu, row.fixed_rate, row.fixed_void = fixed[i].cpu, fixed[i].rate, fixed[i].void
  end
end

function kinds.load(scenario, started)
  local rows, void = rounds(scenario, started, timing(), function(row, peer)
    if row.errors == 0 then add_figures(row, peer, scenario.per) end
  end)
  local list = by_label(started, rows, void, summary)
  if scenario.paced ~= false then add_fixed(scenario, started, list) end
  return list
end

-- What the slower of the peers reaches in a closed loop.
local function saturation(scenario, started)
  local lowest
  for _, peer in ipairs(started) do
    local row = run_load(peer, scenario, { "-s", 1, "-w", 0.3 }, 2)
    local rate = row.requests / (row.seconds or 1)
    if peer.kind ~= "neap" and row.errors == 0 and rate < (lowest or math.huge) then
      lowest = rate
    end
  end
  return assert(lowest, "no peer answers: no rate to choose")
end

local function latencies(mine)
  local out = {}
  for _, name in ipairs { "p50_us", "p90_us", "p99_us", "p999_us" } do
    out[name] = stats.median(stats.column(mine, name))
  end
  out.cpu = stats.median(stats.column(mine, "cpu"))
  return out
end

function kinds.latency(scenario, started)
  local full, list = saturation(scenario, started), {}
  for _, part in ipairs { 30, 70 } do
    local more = timing()
    local rate = math.floor(full * part / 100 / 100) * 100
    table.insert(more, "-r")
    table.insert(more, rate)
    local rows, void = rounds(scenario, started, more, function(row, peer)
      if row.errors == 0 then add_figures(row, peer, "request") end
    end)
    for _, out in ipairs(by_label(started, rows, void, latencies)) do
      out.part, out.offered = part, rate
      table.insert(list, out)
    end
  end
  return list
end

local function wait_for(log, pattern, seconds)
  local limit = proc.now() + seconds
  repeat
    proc.sleep(0.05)
    local text = proc.read(log) or ""
    if text:find(pattern) then return true end
  until proc.now() > limit
  return false
end

local function hold_argv(peer, scenario)
  if scenario.udp then return udp.hold_argv(peer, scenario, run.options) end
  if not scenario.h2 then
    return load_argv(peer, scenario, { "-i", "-c", scenario.connections })
  end
  local argv = { run.options.tools .. "/h2_hold", "-c", scenario.connections }
  if scenario.who[1].tls then table.insert(argv, "-t") end
  table.insert(argv, peer.port)
  table.insert(argv, scenario.path)
  return argv
end

local function hold_idle(peer, scenario)
  local log = run.options.tmp .. "/hold.log"
  local before, before_own = proc.memory(proc.tree(peer.pid))
  local from, to = proc.pipe()
  local pid = proc.start(hold_argv(peer, scenario), run.options.other_cpu, log, from)
  proc.close(from)
  local ready = wait_for(log, "ready", 120)
  proc.sleep(0.5)
  local after, after_own = proc.memory(proc.tree(peer.pid))
  proc.close(to)
  if not proc.ended(pid, 10) then proc.stop(pid) end
  local errors = tonumber((proc.read(log) or ""):match '"errors":(%d+)') or 1
  if not ready or errors > 0 then return { error = "not all connections were held" } end
  return {
    bytes = (after - before) * 1024 / scenario.connections,
    own = (after_own - before_own) * 1024 / scenario.connections,
    before_mb = before / 1024, after_mb = after / 1024,
  }
end

-- Once: memory does not depend on what else the machine does.
function kinds.idle(scenario, started)
  local list = {}
  for _, peer in ipairs(started) do
    local out = hold_idle(peer, scenario)
    if out.error then run.options.progress("  void: " .. peer.label .. ": " .. out.error) end
    out.label = peer.label
    table.insert(list, out)
  end
  return list
end

local function trace(peer, case, requests)
  local tmp = run.options.tmp
  run_load(peer, case, { "-n", 2000, "-s", 10 }, 10)
  local tracer = strace.start(proc.tree(peer.pid), tmp)
  local row = run_load(peer, case, { "-n", requests, "-s", 60 }, 60)
  local calls = strace.finish(tracer, tmp)
  for name, count in pairs(calls) do calls[name] = count / row.requests end
  return calls, row
end

function kinds.syscalls(scenario, started)
  local list = {}
  for _, case in ipairs(scenario.cases) do
    for _, peer in ipairs(started) do
      local calls, row = trace(peer, case, case.requests or scenario.requests)
      local out = { label = peer.label, case = case.label, calls = calls, void = row.errors }
      table.insert(list, out)
    end
  end
  return list
end

-- The figures of a scenario: a list of rows, one a balancer.
function run.scenario(scenario)
  local started, origins = start_all(scenario)
  local ok, rows = xpcall(kinds[scenario.kind], debug.traceback, scenario, started)
  stop_all(started, origins)
  if not ok then error(rows, 0) end
  return rows
end

return run
