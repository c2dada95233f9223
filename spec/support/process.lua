-- Programs that a spec starts.
--
--   process.spawn{ argv = {program, ...}, env = {NAME = text or false}, cwd = , dir = , name = ,
--                  stdin = text } → p
--       Starts the program (found in PATH, no shell) in a process group of its own; its output goes
--       to files in `dir` (default: a fresh folder). What lives at the end of the spec is killed.
--   p.pid, p.dir
--   p:kill(signal = "TERM")      to the process; p:kill_group(signal) to all it started
--   p:wait(limit = 5) → code, how    "exited" with its code, or "killed" with 128 + signal
--   p:alive() → boolean
--   p:stdout(), p:stderr() → text so far; p:log() → both
--
--   process.run{ …as spawn…, limit = 10 } → code, stdout, stderr
--   process.exists(pid) → boolean (a zombie does not exist); process.state(pid) → "R", "S", …
--   process.children(pid) → list of pids of living direct children; process.tree(pid) → all below
--   process.signal(pid, "TERM"); process.name(pid) → comm; process.command_line(pid) → text
--   process.fork(fn, {keep = {fd, …}, output = path}) → pid of a child that runs fn and ends;
--       process.forget(pid) once it has ended

local ffi = require "ffi"
local fcntl = require "posix.fcntl"
local signal = require "posix.signal"
local stdlib = require "posix.stdlib"
local unistd = require "posix.unistd"
local syswait = require "posix.sys.wait"
local dirent = require "posix.dirent"
local eventually = require "support.eventually"
local scope = require "support.scope"

ffi.cdef [[
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
]]
local PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

local process = {}
local Process = {}
Process.__index = Process

local started = {} -- pid → true: ours, until its spec ended
local ended = {} -- pid → { code, how } of children that were waited for

local function signal_number(name)
  if type(name) == "number" then return name end
  return (assert(signal["SIG" .. (name or "TERM")], "unknown signal " .. tostring(name)))
end

-- Collects every child that ended: also those that came to us when their parent died.
local function reap()
  while true do
    local pid, how, code = syswait.wait(-1, syswait.WNOHANG)
    if not pid or pid == 0 or how == "running" then return end
    ended[pid] = { code = how == "exited" and code or 128 + code, how = how }
  end
end

function process.state(pid)
  return scope.read(("/proc/%d/stat"):format(pid)):match "^%d+ %(.*%) (%a)"
end

function process.exists(pid)
  reap()
  local state = process.state(pid)
  return state ~= nil and state ~= "Z" and state ~= "X"
end

function process.children(pid)
  local list = {}
  local text = scope.read(("/proc/%d/task/%d/children"):format(pid, pid))
  for child in text:gmatch "%d+" do
    child = tonumber(child)
    if process.exists(child) then table.insert(list, child) end
  end
  return list
end

function process.tree(pid)
  local list = {}
  for _, child in ipairs(process.children(pid)) do
    table.insert(list, child)
    for _, below in ipairs(process.tree(child)) do table.insert(list, below) end
  end
  return list
end

function process.signal(pid, name) return signal.kill(pid, signal_number(name)) end

function process.name(pid) return (scope.read(("/proc/%d/comm"):format(pid)):gsub("\n$", "")) end

function process.command_line(pid)
  return (scope.read(("/proc/%d/cmdline"):format(pid)):gsub("%z", " "))
end

-- Descendants whose parent dies become our children, so none escapes the end of the spec.
function process.adopt_orphans() ffi.C.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) end

local function redirect(path, target, flags)
  local fd = assert(fcntl.open(path, flags, tonumber("644", 8)))
  assert(unistd.dup2(fd, target))
  if fd > 2 then unistd.close(fd) end
end

-- A connection of the spec that stayed open in a child would hide its end from the peer.
local function close_others(keep)
  local kept, fds = { [0] = true, true, true }, {}
  for _, fd in ipairs(keep or {}) do kept[fd] = true end
  for name in dirent.files "/proc/self/fd" do
    local fd = tonumber(name)
    if fd and not kept[fd] then table.insert(fds, fd) end
  end
  for _, fd in ipairs(fds) do unistd.close(fd) end
end

local function in_child(options, fn)
  unistd.setpid("p", 0, 0)
  ffi.C.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
  signal.signal(signal.SIGPIPE, signal.SIG_DFL)
  local output = bit.bor(fcntl.O_WRONLY, fcntl.O_CREAT, fcntl.O_APPEND)
  redirect(options.input or "/dev/null", 0, fcntl.O_RDONLY)
  redirect(options.stdout or options.output or "/dev/null", 1, output)
  redirect(options.stderr or options.output or "/dev/null", 2, output)
  close_others(options.keep)
  -- Now, not when their numbers are other files': garbage of the spec closes what it had open.
  collectgarbage()
  collectgarbage()
  local ok, err = pcall(fn)
  if not ok then io.stderr:write(tostring(err), "\n") end
  io.stdout:flush()
  io.stderr:flush()
  unistd._exit(ok and 0 or 127)
end

function process.fork(fn, options)
  io.stdout:flush()
  io.stderr:flush()
  local pid = assert(unistd.fork())
  if pid == 0 then
    local ok, err = pcall(in_child, options or {}, fn)
    if not ok then io.stderr:write(tostring(err), "\n") end
    unistd._exit(126)
  end
  unistd.setpid("p", pid, pid) -- here too, so that it holds whoever comes first
  ended[pid] = nil
  started[pid] = true
  return pid
end

local function execute(options)
  if options.cwd then assert(unistd.chdir(options.cwd)) end
  stdlib.setenv("LD_PRELOAD", nil)
  for name, value in pairs(options.env or {}) do stdlib.setenv(name, value or nil) end
  local argv = { [0] = options.argv[1], unpack(options.argv, 2) }
  local _, err = unistd.execp(options.argv[1], argv)
  error(err, 0)
end

local counter = 0

function process.spawn(options)
  counter = counter + 1
  local dir = options.dir or scope.directory()
  local name = options.name or options.argv[1]:match "[^/]+$"
  local base = ("%s/%s-%d"):format(dir, name, counter)
  local self = setmetatable({ dir = dir, name = name, base = base }, Process)
  if options.stdin then scope.write(base .. ".in", options.stdin) end
  self.pid = process.fork(function() execute(options) end, {
    input = options.stdin and base .. ".in",
    stdout = base .. ".out",
    stderr = base .. ".err",
  })
  return scope.add(self)
end

function Process:alive() return process.exists(self.pid) end

function Process:kill(name)
  if self:alive() then process.signal(self.pid, name) end
end

function Process:kill_group(name) signal.killpg(self.pid, signal_number(name)) end

function Process:wait(limit)
  local result = eventually(function()
    reap()
    return ended[self.pid]
  end, limit, ("end of %s (pid %d)"):format(self.name, self.pid))
  return result.code, result.how
end

function Process:stdout() return scope.read(self.base .. ".out") end

function Process:stderr() return scope.read(self.base .. ".err") end

function Process:log() return self:stdout() .. self:stderr() end

function Process:describe()
  return ("--- %s (pid %d)\n%s"):format(self.name, self.pid, self.final_log or self:log())
end

-- The group, and whatever left the group but is below the process.
function Process:dispose()
  local below = process.tree(self.pid)
  self:kill_group "KILL"
  for _, pid in ipairs(below) do process.signal(pid, "KILL") end
  if process.exists(self.pid) then self:wait() end
  started[self.pid] = nil
  self.final_log = self:log()
end

function process.run(options)
  local p = process.spawn(options)
  local code = p:wait(options.limit or 10)
  return code, p:stdout(), p:stderr()
end

-- The caller of process.fork has seen the end of its child.
function process.forget(pid) started[pid] = nil end

local function leftovers()
  local list = {}
  for _, pid in ipairs(process.children(unistd.getpid())) do
    if not started[pid] then table.insert(list, pid) end
  end
  return list
end

-- Raises if something that no spec object owns outlived its parents; it is killed.
function process.check_leftovers()
  if not leftovers()[1] then return end
  if pcall(eventually, function() return not leftovers()[1] end) then return end
  local names = {}
  for _, pid in ipairs(leftovers()) do
    table.insert(names, ("%d (%s)"):format(pid, process.name(pid)))
    for _, below in ipairs(process.tree(pid)) do process.signal(below, "KILL") end
    process.signal(pid, "KILL")
  end
  error("left behind: " .. table.concat(names, ", "), 0)
end

return process
