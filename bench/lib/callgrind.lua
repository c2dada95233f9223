-- Counts the instructions of one process with valgrind's callgrind, by function.
local proc = require "lib.proc"

local callgrind = {}

local COMPILED = "(compiled Lua)"
-- Which copy of memcpy and the like runs depends on the CPU: what they cost is left out.
local LEFT_OUT = { ["libc.so.6"] = true, ["ld-linux-x86-64.so.2"] = true }

-- The words in front of a command so that its processes can be counted; dumps go into the folder.
function callgrind.command(folder)
  return { "valgrind", "--tool=callgrind", "--instr-atstart=no", "--trace-children=yes",
    "--smc-check=all-non-file", "--callgrind-out-file=" .. folder .. "/callgrind.%p" }
end

local function control(pid, word)
  local command = ("vgdb --pid=%d %s >/dev/null 2>&1"):format(pid, word)
  if os.execute(command) ~= 0 then error("valgrind does not react: " .. command, 0) end
end

function callgrind.begin(pid)
  control(pid, "instrumentation on")
  control(pid, "zero")
  return pid
end

-- What a function is called in the figures, whatever link-time optimization has added to it.
local function label_of(name, file)
  if name == "???" or name:find "^0x" then return file == "???" and COMPILED or file end
  return (name:gsub("%.lto_priv%.%d+", ""):gsub("%.constprop%.%d+", ""))
end

-- A name is written out where it comes first, and is a number in brackets afterwards.
local function named(map, id, word)
  if word ~= "" then map[id] = word end
  return map[id]
end

local kinds = {}
function kinds.ob(state, id, word) state.file = named(state.objects, id, word):match "[^/]*$" end
function kinds.cob(state, id, word) named(state.objects, id, word) end
function kinds.fn(state, id, word) state.name = named(state.names, id, word) end
function kinds.cfn(state, id, word) named(state.names, id, word) end

-- Lines of numbers below "fn=" are the function's own cost; the one below "calls=" is its callee's.
local function read_costs(text)
  local state = { names = {}, objects = {}, file = "", name = "" }
  local costs, is_callee = {}, false
  for line in text:gmatch "[^\n]+" do
    local key, id, word = line:match "^(%w+)=(%b()) ?(.*)$"
    if kinds[key] then
      kinds[key](state, id, word)
    elseif line:find "^calls=" then
      is_callee = true
    elseif line:find "^[+*%-%d]" then
      if not is_callee and not LEFT_OUT[state.file] then
        local label = label_of(state.name, state.file)
        costs[label] = (costs[label] or 0) + (tonumber(line:match "^%S+ (%d+)$") or 0)
      end
      is_callee = false
    end
  end
  return costs
end

-- Ends the count: instructions by function, what runs in no file as "(compiled Lua)".
function callgrind.finish(pid, folder)
  control(pid, "instrumentation off")
  control(pid, "dump")
  local path = ("%s/callgrind.%d.1"):format(folder, pid)
  local text = proc.read(path) or error("no figures in " .. path, 0)
  return read_costs(text)
end

return callgrind
