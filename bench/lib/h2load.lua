-- Load over HTTP/2: nghttp2's h2load, and the CPU time of the balancer read before and after it. A
-- run has as many requests as the balancer answers in the time that is asked for.
local proc = require "lib.proc"

local h2load = {}

local PROBE = 4000 -- requests that warm up, and tell how many there are in a second

local function add_threads(pid, cpu)
  local pipe = io.popen(("cat /proc/%d/task/*/schedstat 2>/dev/null"):format(pid))
  for line in pipe:lines() do cpu.ns = cpu.ns + tonumber(line:match "^%d+") end
  pipe:close()
end

-- CPU time of these processes so far: nanoseconds, and ticks of user and system.
local function cpu_of(pids)
  local cpu = { ns = 0, user = 0, system = 0 }
  for _, pid in ipairs(pids) do
    add_threads(pid, cpu)
    local fields = (proc.read(("/proc/%d/stat"):format(pid)) or ""):match "%) (.*)"
    local user, system = (fields or ""):match(("%S+ "):rep(11) .. "(%d+) (%d+)")
    cpu.user, cpu.system = cpu.user + (user or 0), cpu.system + (system or 0)
  end
  return cpu
end

-- A file with a message of gRPC, as it stands in a body.
local function message_of(h2, o)
  local path = o.tmp .. "/message"
  proc.write(path, "\0\0\0\0" .. string.char(h2.message) .. ("g"):rep(h2.message))
  return path
end

local function argv_of(peer, scenario, requests, o, rate)
  local h2 = scenario.h2
  local argv = { "h2load", "-c", h2.connections, "-m", h2.streams, "-n", requests,
    "--npn-list=h2" }
  if rate then
    table.insert(argv, "--rps=" .. math.max(1, math.floor(rate / h2.connections)))
  end
  for _, header in ipairs(h2.headers or {}) do
    table.insert(argv, "-H")
    table.insert(argv, header)
  end
  if h2.message then
    table.insert(argv, "-d")
    table.insert(argv, message_of(h2, o))
  end
  local scheme = scenario.who and scenario.who[1].tls and "https" or "http"
  table.insert(argv, ("%s://127.0.0.1:%d%s"):format(scheme, peer.port, scenario.path))
  return argv
end

local UNITS = { us = 1e-6, ms = 1e-3, s = 1 }

local function parse(text)
  local amount, unit, rate = text:match "finished in ([%d.]+)(%a+), ([%d.]+) req/s"
  local succeeded = tonumber(text:match "([%d]+) succeeded") or 0
  local bad = 0
  for _, word in ipairs { "failed", "errored", "timeout" } do
    bad = bad + (tonumber(text:match("(%d+) " .. word)) or 0)
  end
  local protocol = text:match "Application protocol: (%S+)"
  if not amount or succeeded == 0 or not (protocol or ""):find "^h2" then return nil end
  return {
    seconds = amount * UNITS[unit], rate = tonumber(rate), requests = succeeded, errors = bad,
    bytes = tonumber(text:match "%((%d+)%) data") or 0,
  }
end

-- h2load once: its figures, or nil and what it said.
local function once(argv, o, seconds)
  local text, why = proc.run(argv, o.other_cpu, o.tmp .. "/h2load.log", seconds)
  local figures = text and parse(text)
  if not figures then return nil, why or text:sub(1, 300) end
  return figures
end

local function option(more, name)
  for i = 1, #more, 2 do
    if more[i] == name then return tonumber(more[i + 1]) end
  end
end

-- A row as the other load generator gives it. more: -s seconds, -r rate, -n requests.
function h2load.run(peer, scenario, more, o)
  local seconds, rate = option(more, "-s"), option(more, "-r")
  local probe = math.max(math.min(PROBE, scenario.h2.probe or PROBE),
    scenario.h2.connections * scenario.h2.streams)
  local warm, why = once(argv_of(peer, scenario, probe, o), o, 60)
  if not warm then return { errors = 1, requests = 0, error = why, label = peer.label } end
  local requests = option(more, "-n") or math.max(probe, math.floor((rate or warm.rate) * seconds))
  local pids = proc.tree(peer.pid)
  local before = cpu_of(pids)
  local row
  row, why = once(argv_of(peer, scenario, requests, o, rate), o, seconds * 4 + 60)
  local after = cpu_of(pids)
  if not row then return { errors = 1, requests = 0, error = why, label = peer.label } end
  row.label = peer.label
  row.cpu_ns = after.ns - before.ns
  row.user_ticks = after.user - before.user
  row.ticks = row.user_ticks + after.system - before.system
  return row
end

-- Backends that speak HTTP/2 in the clear: nghttpd, one process each. → pids, ports
function h2load.start_backends(count, o)
  local root, pids, ports = o.tmp .. "/h2root", {}, {}
  os.execute("mkdir -p " .. root)
  proc.write(root .. "/128", ("x"):rep(128))
  proc.write(root .. "/call.grpc", "\0\0\0\0\100" .. ("g"):rep(100))
  proc.write(o.tmp .. "/mime.types", "application/grpc grpc\n")
  for i = 1, count do
    ports[i] = proc.free_port()
    pids[i] = proc.start({
      "nghttpd", "-a", "127.0.0.1", "-d", root, "--no-tls", "--trailer", "grpc-status: 0",
      "--mime-types-file=" .. o.tmp .. "/mime.types", ports[i],
    }, o.other_cpu, ("%s/nghttpd-%d.log"):format(o.tmp, i))
    assert(proc.accepts(pids[i], ports[i], 10), "nghttpd did not start")
  end
  return pids, table.concat(ports, " ")
end

return h2load
