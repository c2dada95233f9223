-- `neap sim` as its users run it.
--
--   sim.run{ "--rate 10", "--event", "1s b1 down", … } → result    the JSON that it prints. The
--       first item is split at blanks; the others are arguments as they stand. files = {}
--   sim.text{…} → what it prints without --json
--   sim.fails{…} → its one line of error
--   sim.near(expected, actual, band)    within that share of it

local cjson = require "cjson"
local neap = require "support.neap"

local sim = {}

local LIMIT = 60

local function arguments(given, more)
  local args = { "sim" }
  for word in given[1]:gmatch "%S+" do table.insert(args, word) end
  for i = 2, #given do table.insert(args, given[i]) end
  for _, word in ipairs(more or {}) do table.insert(args, word) end
  return args
end

local function run(given, more)
  local options = { files = given.files, cwd = given.cwd, limit = LIMIT }
  return neap.run(arguments(given, more), options)
end

function sim.text(given)
  local code, stdout, stderr = run(given)
  assert(code == 0, stderr)
  return stdout
end

function sim.run(given)
  local code, stdout, stderr = run(given, { "--json" })
  assert(code == 0, stderr)
  return cjson.decode(stdout)
end

function sim.fails(given)
  local code, stdout, stderr = run(given)
  assert(code == 1 and stdout == "", "it did not fail: " .. stdout)
  return stderr
end

function sim.near(expected, actual, band)
  local off = math.abs(actual / expected - 1)
  assert(off <= band, ("%.6g is %.2f %% off %.6g"):format(actual, off * 100, expected))
end

return sim
