-- Processes: started pinned to a CPU, looked at, stopped by their id. They end with this process.
local fcntl = require "posix.fcntl"
local signal = require "posix.signal"
local socket = require "posix.sys.socket"
local time = require "posix.time"
local unistd = require "posix.unistd"
local wait = require "posix.sys.wait"

local proc = { fifo = true }

function proc.sleep(seconds)
  local whole = math.floor(seconds)
  time.nanosleep { tv_sec = whole, tv_nsec = math.floor((seconds - whole) * 1e9) }
end

function proc.now()
  local t = time.clock_gettime(time.CLOCK_MONOTONIC)
  return t.tv_sec + t.tv_nsec / 1e9
end

function proc.read(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then file:close() end
  return text
end

function proc.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

-- The real-time class keeps other work on the machine out of the figures.
function proc.can_fifo()
  return os.execute "chrt -f 10 true 2>/dev/null" == 0
end

local function wrap(argv, cpu)
  local words = { "setpriv", "--pdeathsig", "TERM" }
  if cpu then
    for _, word in ipairs { "taskset", "-c", cpu } do table.insert(words, word) end
    if proc.fifo then
      for _, word in ipairs { "chrt", "-f", "10" } do table.insert(words, word) end
    end
  end
  for _, word in ipairs(argv) do table.insert(words, tostring(word)) end
  return words
end

local function child(words, log, input)
  local out = fcntl.open(log, fcntl.O_CREAT + fcntl.O_WRONLY + fcntl.O_TRUNC, 384)
  local null = input or fcntl.open("/dev/null", fcntl.O_RDONLY)
  unistd.dup2(null, 0)
  unistd.dup2(out, 1)
  unistd.dup2(out, 2)
  for fd = 3, 63 do unistd.close(fd) end
  unistd.execp(words[1], { [0] = words[1], unpack(words, 2) })
  unistd._exit(127)
end

-- argv on that CPU (nil: any), what it prints in the file `log`; its process id. input: a fd.
function proc.start(argv, cpu, log, input)
  local words = wrap(argv, cpu)
  os.remove(log) -- nobody shall read what an earlier process wrote
  local pid = assert(unistd.fork())
  if pid == 0 then child(words, log, input) end
  return pid
end

-- true, status when it has ended within so many seconds.
function proc.ended(pid, seconds)
  local limit = proc.now() + (seconds or 0)
  repeat
    local id, _, status = wait.wait(pid, wait.WNOHANG)
    if id == nil or id == pid then return true, status end
    if proc.now() < limit then proc.sleep(0.005) end
  until proc.now() >= limit
  return false
end

function proc.stop(pid)
  signal.kill(pid, signal.SIGTERM)
  if not proc.ended(pid, 5) then
    signal.kill(pid, signal.SIGKILL)
    proc.ended(pid, 5)
  end
end

-- Runs argv to its end; what it printed, or nil and why.
function proc.run(argv, cpu, log, seconds)
  local pid = proc.start(argv, cpu, log)
  if not proc.ended(pid, seconds) then
    proc.stop(pid)
    return nil, argv[1] .. " did not end in time"
  end
  return proc.read(log)
end

-- The process and all below it.
function proc.tree(pid, into)
  into = into or {}
  table.insert(into, pid)
  local children = proc.read(("/proc/%d/task/%d/children"):format(pid, pid)) or ""
  for word in children:gmatch "%d+" do proc.tree(tonumber(word), into) end
  return into
end

-- Kilobytes in memory of all processes (what they share counts once), and of that what is their own
-- (heap, stacks, memory shared among them: no files).
function proc.memory(pids)
  local all, own = 0, 0
  for _, pid in ipairs(pids) do
    local text = proc.read(("/proc/%d/smaps_rollup"):format(pid)) or ""
    local function field(name) return tonumber(text:match("\n" .. name .. ":%s*(%d+)")) or 0 end
    all = all + field "Pss"
    own = own + field "Pss_Anon" + field "Pss_Shmem"
  end
  return all, own
end

local function tcp_socket()
  return assert(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0))
end

function proc.free_port()
  local fd = tcp_socket()
  assert(socket.bind(fd, { family = socket.AF_INET, addr = "127.0.0.1", port = 0 }))
  local port = socket.getsockname(fd).port
  unistd.close(fd)
  return port
end

-- Does pid accept connections on that port within so many seconds?
function proc.accepts(pid, port, seconds)
  local limit = proc.now() + seconds
  repeat
    local fd = tcp_socket()
    local ok = socket.connect(fd, { family = socket.AF_INET, addr = "127.0.0.1", port = port })
    unistd.close(fd)
    if ok then return true end
    if proc.ended(pid, 0.02) then return false end
  until proc.now() >= limit
  return false
end

-- A pipe whose writing end keeps a process waiting; close it with unistd.close.
function proc.pipe()
  local from, to = unistd.pipe()
  fcntl.fcntl(to, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
  return from, to
end

proc.close = unistd.close

function proc.interrupt(pid) signal.kill(pid, signal.SIGINT) end

return proc
