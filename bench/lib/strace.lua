-- Counts the system calls of processes with strace, by name.
local proc = require "lib.proc"

local strace = {}

-- The lines of strace's table: calls by name.
local function calls_of(text)
  local calls = {}
  for line in text:gmatch "[^\n]+" do
    local count, rest = line:match "^%s*[%d.]+%s+[%d.]+%s+%d+%s+(%d+)%s+(.*)$"
    local name = rest and rest:match "([%w_]+)%s*$"
    if name and name ~= "total" then calls[name] = tonumber(count) end
  end
  return calls
end

-- Begins to count those processes; files go into the folder.
function strace.start(pids, folder)
  local argv = { "strace", "-f", "-c", "-o", folder .. "/strace.txt" }
  for _, pid in ipairs(pids) do
    table.insert(argv, "-p")
    table.insert(argv, pid)
  end
  local log = folder .. "/strace.log"
  local tracer = proc.start(argv, nil, log)
  local limit = proc.now() + 10
  repeat
    proc.sleep(0.05)
    local _, attached = (proc.read(log) or ""):gsub("attached", "")
  until attached >= #pids or proc.now() > limit
  return tracer
end

-- Ends it: calls by name.
function strace.finish(tracer, folder)
  proc.interrupt(tracer)
  if not proc.ended(tracer, 10) then proc.stop(tracer) end
  return calls_of(proc.read(folder .. "/strace.txt") or "")
end

return strace
