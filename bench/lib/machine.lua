-- Where and with what the figures were taken.
local peers = require "lib.peers"

local machine = {}

local function one_line(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local line = pipe and pipe:read "*l"
  if pipe then pipe:close() end
  return line and line ~= "" and line or "?"
end

local function asked(words)
  local list, skip = {}, false
  for _, word in ipairs(words) do
    local own = word == "--tmp" or word == "--tools" or word == "--neap"
    if not own and not skip then table.insert(list, word) end
    skip = own
  end
  return table.concat(list, " ")
end

function machine.about(options, fifo, words)
  local log = options.tmp .. "/version.log"
  return {
    date = os.date "!%Y-%m-%d %H:%M UTC",
    command = "./dev bench " .. asked(words),
    cpu = one_line "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1",
    cpus = one_line "nproc",
    kernel = one_line "uname -r",
    system = one_line ". /etc/os-release && echo \"$PRETTY_NAME\"",
    memory = one_line "awk '/MemTotal/ { printf \"%.0f GiB\", $2 / 1048576 }' /proc/meminfo",
    load = one_line "cut -d' ' -f1 /proc/loadavg",
    commit = one_line "git describe --always --dirty",
    nginx = peers.version("nginx", log),
    haproxy = peers.version("haproxy", log),
    neap = peers.version("neap", log),
    rounds = options.rounds, seconds = options.seconds, fifo = fifo,
    awake = not options.no_awake,
  }
end

function machine.taken(about)
  return ("taken %s, commit %s, %d rounds of %g s"):format(about.date, about.commit, about.rounds,
    about.seconds)
end

function machine.text(about)
  local lines = {
    ("Taken %s with `%s`, commit %s."):format(about.date, about.command, about.commit), "",
    "| | |", "|---|---|",
    ("| machine | %s CPUs of %s, %s |"):format(about.cpus, about.cpu, about.memory),
    ("| system | %s, Linux %s; load average before: %s |"):format(about.system, about.kernel,
      about.load),
    "| nginx | " .. about.nginx .. " |",
    "| HAProxy | " .. about.haproxy .. " |",
    "| neap | " .. about.neap .. " |",
    ("| rounds | %d of %g s each, interleaved; medians |"):format(about.rounds, about.seconds),
    "| scheduling | " .. (about.fifo and "SCHED_FIFO" or "the normal class")
      .. (about.awake and ", CPUs kept from halting" or "") .. " |",
  }
  return table.concat(lines, "\n") .. "\n"
end

return machine
