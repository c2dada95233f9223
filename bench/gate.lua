-- The gate: instructions and system calls that a request costs in a worker, beside the figures of
-- bench/gate.json. Nothing is timed, so a busy machine gives the same figures. bench/gate says how
-- it is used, bench/README.md what is counted.
package.path = "bench/?.lua;" .. package.path

local cjson = require "cjson"
local callgrind = require "lib.callgrind"
local peers = require "lib.peers"
local proc = require "lib.proc"
local run = require "lib.run"
local strace = require "lib.strace"

local FIGURES = "bench/gate.json"
local MORE_INSTRUCTIONS = 1.01 -- so much of the kept figure still passes
local MORE_CALLS = 0.5         -- a call more a request, or every second one, is not
local GROWN = 0.003            -- a function that grew by so much of a request is named
local WARM, COUNTED = 3000, 2000
local TRIES = 3 -- the least counts

-- One connection at a time, so that the order of events is always the same. Where both ends of a
-- connection close, the kernel decides in how many turns of the loop: `more` allows for that, where
-- figures of several machines lay 4.4 % apart.
local SCENARIOS = {
  { name = "small", path = "/128", load = { "-x", 128 } },
  { name = "chunked", path = "/16kc", load = { "-x", 16384 } },
  { name = "post", path = "/128", load = { "-x", 128, "-b", 16384 } },
  { name = "close", path = "/128", load = { "-x", 128, "-k" } },
  { name = "h2c", path = "/128", h2 = { connections = 1, streams = 1, probe = 1 } },
  {
    name = "h2c16", path = "/128", more = 1.04,
    h2 = { connections = 1, streams = 16, probe = 16 },
  },
  { name = "tcp", path = "/128", load = { "-x", 128, "-k" }, tcp = true, more = 1.06 },
}

local options = { names = {} }

local function read_options(words)
  local i = 1
  while i <= #words do
    local word = words[i]
    if word == "--write" then
      options.write = true
    elseif word == "--tmp" or word == "--tools" or word == "--neap" then
      i = i + 1
      options[word:sub(3)] = words[i]
    else
      options.names[word] = true
    end
    i = i + 1
  end
  peers.binary = options.neap
  run.options.tmp, run.options.tools = options.tmp, options.tools
  run.options.other_cpu = "0" -- all on one: what happens first is the same each time
  proc.fifo = false
end

local function say(format, ...) print(format:format(...)) end

-- Starts neap before one backend process, below the command `under` when there is one.
local function start(scenario, under)
  local origin, addresses = run.start_backend()
  local peer, why = peers.start {
    kind = "neap", label = scenario.name, tcp = scenario.tcp, under = under,
    backends = addresses, dir = ("%s/%s"):format(options.tmp, scenario.name),
  }
  if not peer then error(why, 0) end
  return peer, function()
    peers.stop(peer)
    proc.stop(origin)
  end
end

local function send(peer, scenario, requests)
  local row = run.load(peer, scenario, { "-c", 1, "-n", requests, "-s", 120 }, 120)
  if row.errors > 0 then error(("%s: %s"):format(scenario.name, row.error), 0) end
  return row.requests
end

local function find_worker(peer)
  for _, pid in ipairs(proc.tree(peer.pid)) do
    local title = proc.read(("/proc/%d/comm"):format(pid)) or ""
    if title:find("neap: worker", 1, true) then return pid end
  end
end

-- The worker's process: the only one that requests pass through. Under a tool it may
-- come some seconds after its sockets.
local function worker_of(peer)
  local limit = proc.now() + 60
  repeat
    local pid = find_worker(peer)
    if pid then return pid end
    proc.sleep(0.05)
  until proc.now() > limit
  error("no worker process of " .. peer.label, 0)
end

-- What a tool counts in the worker, by name, and how many requests passed meanwhile. `finish` gets
-- what `begin(worker)` returned.
local function counted(scenario, command, begin, finish)
  local peer, stop = start(scenario, command)
  local ok, counts, requests = pcall(function()
    local worker = worker_of(peer)
    send(peer, scenario, WARM)
    local counting = begin(worker)
    local sent = send(peer, scenario, COUNTED)
    return finish(counting, options.tmp), sent
  end)
  stop()
  if not ok then error(counts, 0) end
  return counts, requests
end

-- In whole ones, tenths (parts: 10), hundredths.
local function per_request(count, requests, parts)
  return math.floor(count / requests * parts + 0.5) / parts
end

local function count_instructions(scenario)
  local functions, requests = counted(scenario, callgrind.command(options.tmp), callgrind.begin,
    callgrind.finish)
  local sum, each = 0, {}
  for name, count in pairs(functions) do
    sum = sum + count
    each[name] = per_request(count, requests, 10)
  end
  return per_request(sum, requests, 1), each
end

local function count_calls(scenario)
  local calls, requests = counted(scenario, nil, function(worker)
    return strace.start({ worker }, options.tmp)
  end, strace.finish)
  local sum, each = 0, {}
  for name, count in pairs(calls) do
    sum = sum + count
    local per = per_request(count, requests, 100)
    if per > 0 then each[name] = per end
  end
  return per_request(sum, requests, 100), each
end

local function has_grown(scenario, now, kept)
  return now.instructions > kept.instructions * (scenario.more or MORE_INSTRUCTIONS)
end

local function is_within(scenario, now, kept)
  return kept ~= nil and not has_grown(scenario, now, kept) and now.calls <= kept.calls + MORE_CALLS
end

-- Ends early at what passes, unless new figures are wanted.
local function measure(scenario, kept)
  local best = { instructions = math.huge, calls = math.huge }
  for _ = 1, TRIES do
    local instructions, functions = count_instructions(scenario)
    local calls, by_call = count_calls(scenario)
    if instructions < best.instructions then
      best.instructions, best.functions = instructions, functions
    end
    if calls < best.calls then best.calls, best.by_call = calls, by_call end
    if is_within(scenario, best, kept) and not options.write then break end
  end
  return best
end

-- What grew, the most first.
local function tell_growth(now, before, least, unit)
  local rows = {}
  for name, count in pairs(now) do
    local more = count - (before[name] or 0)
    if more >= least then table.insert(rows, { name = name, more = more, now = count }) end
  end
  table.sort(rows, function(a, b) return a.more > b.more end)
  for i = 1, math.min(#rows, 8) do
    local row = rows[i]
    say("    %s: %+.2f %s (%.2f now)", row.name, row.more, unit, row.now)
  end
end

local function judge(scenario, now, kept)
  local name = scenario.name
  if not kept then
    say("%s: no figure is kept: ./dev gate --write", name)
    return false
  end
  local ratio = now.instructions / kept.instructions
  local is_fine = true
  say("%-8s %6d instructions a request (kept: %d, %+.2f %%), %.2f system calls (kept: %.2f)", name,
    now.instructions, kept.instructions, (ratio - 1) * 100, now.calls, kept.calls)
  if has_grown(scenario, now, kept) then
    is_fine = false
    say("  FAILED: more instructions than may be; these functions grew:")
    tell_growth(now.functions, kept.functions, kept.instructions * GROWN, "instructions")
  end
  if now.calls > kept.calls + MORE_CALLS then
    is_fine = false
    say("  FAILED: more system calls:")
    tell_growth(now.by_call, kept.by_call, 0.05, "calls")
  end
  return is_fine
end

-- Functions below a thousandth of the request are not worth a line in the file.
local function worth_keeping(figures)
  local kept = {}
  for name, count in pairs(figures.functions) do
    if count >= figures.instructions / 1000 then kept[name] = count end
  end
  figures.functions = kept
  return figures
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do table.insert(keys, key) end
  table.sort(keys)
  return keys
end

-- One figure a line, so that a commit shows what changed.
local function encode(value, indent)
  if type(value) ~= "table" then return cjson.encode(value) end
  local lines = {}
  for _, key in ipairs(sorted_keys(value)) do
    table.insert(lines, ("%s %q: %s"):format(indent, key, encode(value[key], indent .. " ")))
  end
  return "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

local function main(words)
  read_options(words)
  local text = proc.read(FIGURES)
  local kept, bad = text and cjson.decode(text) or {}, 0
  for _, scenario in ipairs(SCENARIOS) do
    local name = scenario.name
    if not next(options.names) or options.names[name] then
      local now = measure(scenario, kept[name])
      if not judge(scenario, now, kept[name]) then bad = bad + 1 end
      if options.write then kept[name] = worth_keeping(now) end
    end
  end
  if options.write then
    proc.write(FIGURES, encode(kept, "") .. "\n")
    return 0
  end
  return bad
end

os.exit(main(arg) == 0 and 0 or 1)
