local neap = require "support.neap"
local sim = require "support.sim"

-- Arguments, and what the error must say.
local CASES = {
  { { "--ploicy random" }, "unknown flag '%-%-ploicy': did you mean %-%-policy%?" },
  { { "--frobnicate" }, "unknown flag '%-%-frobnicate': neap sim %-%-help lists all" },
  { { "8081" }, "unknown flag '8081'" },
  { { "--rate" }, "%-%-rate: R is missing" },
  { { "--json=yes" }, "%-%-json takes no value" },
  { { "--rate 1 --rate 2" }, "%-%-rate: it was given twice" },
  { { "--rate 0" }, "%-%-rate: '0' is wrong %(expected a number above 0%)" },
  { { "--rate nan" }, "%-%-rate: 'nan' is wrong" },
  { { "--rate 1e999" }, "%-%-rate: '1e999' is wrong" },
  { { "--duration -5" }, "%-%-duration: '%-5' is wrong %(expected a time above 0" },
  { { "--duration 5parsecs" }, "%-%-duration: '5parsecs' is wrong" },
  { { "--backends 0" }, "%-%-backends: '0' is wrong %(expected an integer from 1 to 10000%)" },
  { { "--backends 10001" }, "%-%-backends: " },
  { { "--concurrency 1.5" }, "%-%-concurrency: '1.5' is wrong" },
  { { "--seed x" }, "%-%-seed: 'x' is wrong" },
  { { "--service exponentail:1" }, "%-%-service: .*did you mean 'exponential'%?" },
  { { "--service exponential:0" }, "%-%-service: .*MEAN 0 is impossible" },
  { { "--service exponential:-1" }, "%-%-service: " },
  { { "--service lognormal:1" }, "%-%-service: .*1 values where 2 are expected" },
  { { "--service lognormal:1,-1" }, "%-%-service: .*SIGMA %-1 is impossible %(expected 0 to 10%)" },
  { { "--service bimodal:1,2,1.5" }, "%-%-service: .*SHARE 1.5 is impossible" },
  { { "--service fixed:abc" }, "%-%-service: .*'abc' is not a time" },
  { { "--service log" }, "%-%-service: 'log' takes the times of a %-%-trace" },
  { { "--arrivals bursts:5,10s,1s" }, "%-%-arrivals: .*LENGTH must be shorter than EVERY" },
  { { "--arrivals closed:1.5,1" }, "%-%-arrivals: .*USERS must be an integer" },
  { { "--arrivals closed:5,1 --rate 4" }, "%-%-rate: in a closed loop" },
  { { "--event", "b2 down" }, "%-%-event: 'b2 down': expected TIME BACKEND EVENT" },
  { { "--event", "30s b9 down" }, "%-%-event: .*there is no backend b9 %(there are b1 to b4%)" },
  { { "--event", "90s b2 down" }, "%-%-event: .*at 90s the simulation is over: it takes 60 s" },
  { { "--event", "30s b2 dwon" }, "%-%-event: .*did you mean 'down'%?" },
  { { "--event", "30s b2 slow:0" }, "%-%-event: .*impossible: slow:FACTOR" },
  { { "--event", "30s b2 fail:2" }, "%-%-event: .*impossible: fail:SHARE" },
  { { "--event", "30s b2 up" }, "%-%-event: '30s b2 up': b2 is not down by then" },
  { { "--event", "9s b2 down", "--event", "10s all down" }, "%-%-event: .*b2 is down already" },
  { { "--event", "9s b1 undrain" }, "%-%-event: .*b1 does not drain by then" },
  { { "--backend", "b1 sped=2" }, "%-%-backend: .*unknown key 'sped'; did you mean 'speed'%?" },
  { { "--backend", "b7 speed=2" }, "%-%-backend: .*there is no backend b7" },
  { { "--backend", "b1 speed=0" }, "%-%-backend: .*speed '0' is impossible" },
  { { "--pool", "slow_strat=5" }, "%-%-pool: unknown key 'slow_strat'; did you mean 'slow_start'" },
  { { "--pool", "panic=2" }, "%-%-pool: panic '2' is impossible %(expected a share from 0 to 1%)" },
  { { "--pool", " " }, "%-%-pool: KEY=VALUE is expected" },
  { { "--policy tow_choices" }, "%-%-policy: no policy 'tow_choices' is shipped; did you mean" },
  { { "--policy none.lua" }, "%-%-policy: none.lua: No such file" },
  { { "--against", "hash kye=ip" }, "%-%-against: .*unknown option 'kye'; did you mean 'key'%?" },
  { { "--policy", "hash ip" }, "%-%-policy: .*'ip' is not OPTION=VALUE" },
  { { "--policy bad.lua", files = { ["bad.lua"] = "retrun {}" } }, "%-%-policy: .*bad.lua:1:" },
  { { "--policy a.lua", files = { ["a.lua"] = "return { pikc = 1 }" } }, "unknown hook 'pikc'" },
  { { "--against random --against first" }, "%-%-against: it was given twice" },
  { { "--warmup 60" }, "%-%-warmup: the simulation is over after 60 s" },
  { { "--speedup 2" }, "%-%-speedup: it goes with a %-%-trace" },
  { { "--trace none.log" }, "%-%-trace: cannot be read: none.log" },
  { { "--trace a.log", files = { ["a.log"] = "" } }, "%-%-trace: a.log" },
  { { "--trace . --service fixed:1" }, "%-%-trace: .*cannot be read" },
  { { "--rate 1e20" }, "%-%-rate: 1e%+20 a second for 60 s are 6e%+21 requests %(at mo" },
  { { "--duration 1e9" }, "%-%-rate: 100 a second for 1e%+09 s are 1e%+11 requests" },
  { { "--health 1e-9" }, "%-%-health: a check of 4 backends each 1e%-09 s for 60 s are too many" },
  { { "--rate 1 --arrivals bursts:1e9,1us,1000s" }, "%-%-arrivals: .*beyond what can be simul" },
  { { "--arrivals closed:9,0 --service fixed:1e-9" }, "%-%-arrivals: .*up to 2.4e%+11 requests" },
  { { "--html /nowhere/at/all.html" }, "%-%-html: cannot write /nowhere/at/all.html" },
}

describe("neap sim says", function()
  it("what is wrong, and of which flag, in a line", function()
    for _, case in ipairs(CASES) do
      local text = sim.fails(case[1])
      assert.matches("^neap: [^\n]*\n$", text)
      assert.matches(case[2], text)
    end
  end)

  it("which policy loops for ever, in what, and on which line", function()
    for line, what in pairs {
      ["while true do end"] = "loading it: loop.lua:1",
      ["return { pick = function(_, pool)\nlocal n = pool:counter 'n'\nwhile true do "
        .. "pcall(n.next, n) end end }"] = "hook pick: loop.lua:3",
      ["return { failed = function() repeat until false end }"] = "hook failed: loop.lua:1",
    } do
      local text = sim.fails { "--policy ./loop.lua --event", "5s b1 down",
        files = { ["loop.lua"] = line } }
      assert.equal(("neap: --policy ./loop.lua: %s: ran for more than 2 s\n"):format(what), text)
    end
  end)

  it("which one is stuck where no error reaches it", function()
    local text = sim.fails { "--policy ./loop.lua", files = { ["loop.lua"] =
      "local s = ('a'):rep(40000) return { pick = function() s:find '.-.-.-.-b' end }" } }
    assert.matches("^neap: %-%-policy ./loop.lua: it is stuck in a function of C .-\n$", text)
  end)

  it("that requests are more than the backends can do", function()
    local text = sim.text { "--rate 200 --service fixed:1 --duration 10" }
    assert.matches("queues grow without end", text)
  end)

  it("that flags of neap itself are not its own", function()
    local code, _, stderr = neap.run { "-w", "2", "sim" }
    assert.equal(1, code)
    assert.equal("neap: sim takes its own flags only: neap sim --help\n", stderr)
  end)

  it("what each flag does", function()
    local text = sim.text { "--help" }
    for _, flag in ipairs { "policy", "against", "rate", "duration", "backends", "service",
      "concurrency", "trace", "event", "balancers", "seed", "json", "html", "svg" } do
      assert.matches("\n  %-%-" .. flag .. " ", text)
    end
  end)
end)
