local cjson = require "cjson"
local neap = require "support.neap"
local scope = require "support.scope"
local sim = require "support.sim"

local FLAGS = "sim --policy two_choices --against least_connections --policy cookie --seed 7 "
  .. "--balancers 3 --duration 20 --rate 200 --service lognormal:10ms,1 --event"

local function outputs(seed)
  local args = {}
  for word in FLAGS:gsub("%-%-seed 7", "--seed " .. seed):gmatch "%S+" do
    table.insert(args, word)
  end
  for _, word in ipairs { "5s b2 down", "--html", "r.html", "--svg", "r.svg", "--json" } do
    table.insert(args, word)
  end
  local dir = scope.directory()
  local code, stdout, stderr = neap.run(args, { cwd = dir, limit = 60 })
  assert(code == 0, stderr)
  return stdout, scope.read(dir .. "/r.html"), scope.read(dir .. "/r.svg")
end

describe("neap sim", function()
  it("gives the same bytes for the same seed, and others for another", function()
    local json, html, svg = outputs(7)
    assert.same({ json, html, svg }, { outputs(7) })
    local other = outputs(8)
    assert.are_not.equal(json, other)
  end)

  it("has its keys in a fixed order, policies in that of the command line", function()
    local text = sim.text { "--policy first --against random --json --duration 1" }
    local last = 0
    for _, key in ipairs { "scenario", "policies", "name", "requests", "latency", "p50", "p90",
      "p99", "p999", "mean", "max", "queueing", "backends", "share", "count", "utilisation",
      "errors", "retries", "timeline", "notes" } do
      local at = text:find('"' .. key .. '":', last, true)
      assert.is_truthy(at, key)
      if key ~= "backends" and key ~= "requests" then last = at end
      if key == "scenario" then last = text:find('"policies":', 1, true) - 1 end
    end
    local result = cjson.decode(text)
    assert.same({ "first", "random" }, { result.policies[1].name, result.policies[2].name })
  end)

  it("lets all policies meet the same requests", function()
    local alone = sim.run { "--policy random --duration 5" }.policies[1]
    local behind = sim.run { "--policy first --policy random --duration 5" }.policies[2]
    assert.same(alone, behind)
  end)

  it("draws reports that need nothing from elsewhere", function()
    local _, html, svg = outputs(3)
    for _, text in ipairs { html, svg } do
      local free = text:gsub('xmlns="http://www.w3.org/2000/svg"', "")
      assert.is_nil(free:find "https?://")
      assert.is_nil(free:find "<script" or free:find "<link" or free:find "@import")
      assert.is_nil(free:find "nan" or free:find "inf[^i]")
      assert.matches("prefers%-color%-scheme:dark", text)
      local _, opened = text:gsub("<g[ >]", "")
      local _, closed = text:gsub("</g>", "")
      assert.equal(opened, closed)
    end
    assert.matches("<!doctype html>", html)
    assert.matches("<pre>neap sim %-%-policy two_choices .*%-%-event '5s b2 down' ", html)
  end)

  it("takes a million requests in less than 10 s of one core", function()
    local args = { "sim", "--rate", "10000", "--duration", "100", "--service", "exponential:300us",
      "--json" }
    local clock = "import resource,subprocess,sys; subprocess.run(sys.argv[1:], check=True, "
      .. "stdout=subprocess.DEVNULL); r=resource.getrusage(resource.RUSAGE_CHILDREN); "
      .. "print(r.ru_utime + r.ru_stime)"
    local argv = { "python3", "-c", clock, neap.binary, unpack(args) }
    local p = require("support.process").spawn { argv = argv, name = "sim" }
    assert.equal(0, p:wait(60))
    local seconds = tonumber(p:stdout())
    assert.is_true(seconds < 10, seconds .. " s")
  end)
end)
