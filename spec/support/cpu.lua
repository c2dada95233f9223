-- CPU time of a process.
--
--   cpu.seconds(pid) → user and system time so far, of all its threads
--   cpu.share(pid, seconds = 0.5) → which part of one CPU it used within the next seconds

local eventually = require "support.eventually"
local scope = require "support.scope"

local TICKS_A_SECOND = 100

local cpu = {}

function cpu.seconds(pid)
  local fields = scope.read(("/proc/%d/stat"):format(pid)):match "^%d+ %(.*%) (.*)$"
  local user, system = fields:match("^%S+" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
  return (user + system) / TICKS_A_SECOND
end

function cpu.share(pid, seconds)
  local before, start = cpu.seconds(pid), eventually.now()
  eventually.pause(seconds or 0.5, "the time over which the share is taken")
  return (cpu.seconds(pid) - before) / (eventually.now() - start)
end

return cpu
