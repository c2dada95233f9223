-- Many balancers over many backends.

local cjson = require "cjson"
local neap = require "support.neap"
local sim = require "support.sim"

-- Runs it, and returns its result with the megabytes that it took.
local function measured(flags)
  local args = { "sim", "--json" }
  for word in flags:gmatch "%S+" do table.insert(args, word) end
  local peak = "import resource,subprocess,sys; r=subprocess.run(sys.argv[1:], check=True, "
    .. "stdout=subprocess.PIPE); sys.stdout.buffer.write(r.stdout); "
    .. "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))"
  local p = require("support.process").spawn { name = "sim",
    argv = { "python3", "-c", peak, neap.binary, unpack(args) } }
  assert.equal(0, p:wait(120), p:log())
  return cjson.decode(p:stdout()), tonumber(p:stderr())
end

describe("neap sim at scale", function()
  it("has 200 balancers over 2,000 backends in less than 400 MB", function()
    local result, megabytes = measured("--policy two_choices --balancers 200 "
      .. "--backends 2000 --rate 4000 --duration 2 --service exponential:50ms")
    assert.equal(0, result.policies[1].errors)
    assert.is_true(megabytes < 400, megabytes .. " MB")
  end)

  it("lets each balancer find out by itself who is dead", function()
    local flags = { "--balancers 20 --backends 100 --rate 1000 --duration 8 --service fixed:1ms",
      "--event", "2s b1-b3 down" }
    local p = sim.run(flags).policies[1]
    assert.equal(0, p.errors)
    for b = 1, 3 do sim.near(20, p.backends[b].failures, 0.5) end
    assert.equal(0, p.backends[4].failures)
  end)

  it("refuses more balancers, over all policies, than fit into one process", function()
    assert.matches("%-%-balancers: 1000 for each of 3 policies are too many", sim.fails {
      "--balancers 1000 --policy first --policy random --policy source" })
  end)
end)
