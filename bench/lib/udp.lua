-- Datagrams: bench/udp.c as backends, load and clients with flows.
local cjson = require "cjson"
local proc = require "lib.proc"

local udp = {}

-- Backends of datagrams, one process. → its process id, "port port …"
function udp.start_backends(count, o)
  local log = o.tmp .. "/udp-origin.log"
  local pid = proc.start({ o.tools .. "/udp", "origin", count }, o.other_cpu, log)
  local limit = proc.now() + 5
  local ports
  repeat
    proc.sleep(0.02)
    ports = (proc.read(log) or ""):match "^ports([%d ]+)\n"
  until ports or proc.now() > limit
  return { pid }, assert(ports, "the backends of datagrams did not start")
end

-- Does anybody read datagrams on that port within so many seconds?
function udp.is_bound(pid, port, seconds)
  local limit, pattern = proc.now() + seconds, (":%04X 00000000:0000"):format(port)
  repeat
    if (proc.read "/proc/net/udp" or ""):find(pattern, 1, true) then return true end
    if proc.ended(pid, 0.02) then return false end
  until proc.now() >= limit
  return false
end

-- A row as the load generator for connections gives it.
function udp.run(peer, scenario, more, o)
  local argv = { o.tools .. "/udp", "load", "-p", table.concat(proc.tree(peer.pid), ","),
    "-c", scenario.udp.clients }
  for _, word in ipairs(more) do table.insert(argv, word) end
  table.insert(argv, peer.port)
  local text, why = proc.run(argv, o.other_cpu, o.tmp .. "/udp.log", 120)
  local ok, row = pcall(cjson.decode, text and text:match "{.*}" or "")
  if not ok then row = { errors = 1, requests = 0, error = why or "no figures: " .. text } end
  row.label = peer.label
  return row
end

function udp.hold_argv(peer, scenario, o)
  return { o.tools .. "/udp", "flows", "-c", scenario.connections, peer.port }
end

return udp
