-- The benchmarks: what bench/run runs once everything is there. bench/run --help says how.
package.path = "bench/?.lua;" .. package.path

local cjson = require "cjson"
local charts = require "lib.charts"
local machine = require "lib.machine"
local peers = require "lib.peers"
local proc = require "lib.proc"
local report = require "lib.report"
local run = require "lib.run"
local scenarios = require "lib.scenarios"

local options = run.options
options.rounds, options.seconds, options.warm = 9, 2, 0.5
options.names = {}

local flags = {
  ["--rounds"] = function(value) options.rounds = tonumber(value) end,
  ["--seconds"] = function(value) options.seconds = tonumber(value) end,
  ["--warm"] = function(value) options.warm = tonumber(value) end,
  ["--tmp"] = function(value)
    options.tmp = value
    peers.pem = value .. "/bench.pem"
  end,
  ["--tools"] = function(value) options.tools = value end,
  ["--neap"] = function(value) peers.binary = value end,
  ["--against"] = function(value) options.against = value end,
}

local function read_options(words)
  local i = 1
  while i <= #words do
    local word = words[i]
    if flags[word] then
      i = i + 1
      flags[word](words[i])
    elseif word == "--no-fifo" then
      proc.fifo = false
    elseif word == "--no-awake" then
      options.no_awake = true
    elseif word == "--write" then
      options.write = true
    else
      options.names[word] = true
    end
    i = i + 1
  end
  assert(options.rounds and options.rounds >= 1, "--rounds: a number from 1 on")
  assert(options.seconds and options.seconds > 0, "--seconds: a number above 0")
end

local function chosen()
  local list, known = {}, {}
  for _, scenario in ipairs(scenarios) do
    known[scenario.name] = true
    if not next(options.names) or options.names[scenario.name] then
      table.insert(list, scenario)
    end
  end
  for name in pairs(options.names) do
    if not known[name] then
      error("no scenario '" .. name .. "'; bench/run --list shows them", 0)
    end
  end
  return list
end

-- The same scenarios with another build of neap in the place of nginx and HAProxy.
local function against(list, binary)
  local out = {}
  for _, scenario in ipairs(list) do
    if scenario.kind == "load" and not scenario.neap_only then
      local other = setmetatable({ label = "neap before", binary = binary },
        { __index = scenario.who[#scenario.who] })
      table.insert(out, setmetatable({
        base = { other.label }, who = { other, scenario.who[#scenario.who] }, goal = false,
      }, { __index = scenario }))
    end
  end
  return out
end

local function list_scenarios()
  for _, scenario in ipairs(scenarios) do
    print(("%-10s %s"):format(scenario.name, scenario.title))
  end
end

function options.progress(text)
  io.stderr:write(text, "\n")
end

local function write_json(path, about, results)
  local lines = { '{"about":' .. cjson.encode(about) .. ',\n"results":[' }
  for i, result in ipairs(results) do
    local line = cjson.encode {
      scenario = result.scenario.name, rows = result.rows, taken = result.taken,
    }
    table.insert(lines, line .. (i < #results and "," or ""))
  end
  proc.write(path, table.concat(lines, "\n") .. "\n]}\n")
end

-- Replaces what is between the two marks of bench/README.md.
local function write_readme(text)
  local path, from, to = "bench/README.md", "<!-- figures -->\n", "<!-- end of figures -->"
  local old = assert(proc.read(path), path .. " is missing")
  local _, first = old:find(from, 1, true)
  local last = old:find(to, 1, true)
  assert(first and last, path .. " has no marks")
  proc.write(path, old:sub(1, first) .. text .. old:sub(last))
end

local function figures(about, results, pictures)
  local parts = { machine.text(about), report.overview(results) }
  for _, name in ipairs { "cpu", "latency", "idle" } do
    if pictures[name] then table.insert(parts, ("![%s](plots/%s.svg)\n"):format(name, name)) end
  end
  for _, result in ipairs(results) do
    local section = report.section(result.scenario, result.rows)
    if result.taken and result.taken ~= machine.taken(about) then
      section = section .. "\n(" .. result.taken .. ")\n"
    end
    table.insert(parts, section)
  end
  return "\n" .. table.concat(parts, "\n") .. "\n"
end

local function publish(folder, about, results)
  local pictures = charts.all(results)
  os.execute("mkdir -p " .. folder .. "/plots")
  for name, svg in pairs(pictures) do proc.write(folder .. "/plots/" .. name .. ".svg", svg) end
  write_json(folder .. "/results.json", about, results)
  return pictures
end

-- What was measured now, and for all other scenarios what bench/results.json has.
local function with_earlier(results)
  local text = proc.read "bench/results.json"
  if not options.write or not next(options.names) or not text then return results end
  local by_name, all = {}, {}
  for _, old in ipairs(cjson.decode(text).results) do by_name[old.scenario] = old end
  for _, new in ipairs(results) do by_name[new.scenario.name] = new end
  for _, scenario in ipairs(scenarios) do
    local result = by_name[scenario.name]
    if result then
      table.insert(all, { scenario = scenario, rows = result.rows, taken = result.taken })
    end
  end
  return all
end

-- Work of the lowest class on both CPUs, so that none of them is halted and has to be woken.
local function stay_awake()
  local pids = {}
  for cpu = 0, options.no_awake and -1 or 1 do
    local argv = { "chrt", "-i", "0", "taskset", "-c", cpu, options.tools .. "/awake" }
    table.insert(pids, proc.start(argv, nil, options.tmp .. "/awake.log"))
  end
  return pids
end

local function measure(list, taken)
  local results = {}
  for _, scenario in ipairs(list) do
    options.progress("== " .. scenario.name .. ": " .. scenario.title)
    local ok, rows = pcall(run.scenario, scenario)
    if ok then
      table.insert(results, { scenario = scenario, rows = rows, taken = taken })
      print(report.section(scenario, rows))
    else
      options.progress("  failed: " .. tostring(rows))
    end
  end
  return results
end

local function main(words)
  if words[1] == "--list" then return list_scenarios() end
  read_options(words)
  local list = chosen()
  if options.against then list = against(list, options.against) end
  proc.fifo = proc.fifo and proc.can_fifo()
  local about = machine.about(options, proc.fifo, words)
  local awake = stay_awake()
  local results = measure(list, machine.taken(about))
  for _, pid in ipairs(awake) do proc.stop(pid) end
  if #results == 0 then os.exit(1) end
  results = with_earlier(results)
  local folder = options.write and "bench" or "build/bench"
  local pictures = publish(folder, about, results)
  if options.write then write_readme(figures(about, results, pictures)) end
  print(report.overview(results))
  options.progress("written: " .. folder .. "/results.json, " .. folder .. "/plots")
end

main(arg)
