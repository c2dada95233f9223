-- What is simulated, from the flags; and one run of it for a policy.

local backends = require "neap.sim.backends"
local bounds = require "neap.sim.bounds"
local dice = require "neap.sim.dice"
local distribution = require "neap.sim.distribution"
local engine = require "neap.sim.engine"
local hedges = require "neap.sim.hedges"
local moves = require "neap.sim.moves"
local plan = require "neap.sim.plan"
local stats = require "neap.sim.stats"
local synthetic = require "neap.sim.synthetic"
local trace = require "neap.sim.trace"

local scenario = {}

local DURATION, WINDOWS = 60, 100
local QUEUE = { length = 1024, timeout = 5 } -- as a pool has them by default

local function lines_of(path)
  local file, count = io.open(path, "rb"), 0
  while true do
    local block = file:read(2 ^ 20)
    if not block then break end
    local _, n = block:gsub("\n", "")
    count = count + n
  end
  file:close()
  return count
end

-- A trace's own service times, if it has them and no others were given.
local function choose_service(o)
  if not o.trace then
    return o.service or distribution.parse "exponential:30ms"
  end
  local service = o.service or { from_log = true, text = "log" }
  if service.from_log and trace.has_times(o.trace) == false then
    return nil, ("--trace: %s does not say how long requests took; give --service")
      :format(o.trace)
  end
  return service
end

local function open_trace(o, s)
  local source, why = trace.open {
    path = o.trace, seed = o.seed, service = not s.service.from_log and s.service or nil,
    speedup = o.speedup, arrivals = o.given.rate and s.arrivals or nil, rate = o.rate,
    horizon = s.horizon,
  }
  if not source then return nil, "--trace: " .. why end
  return source
end

-- For how long the requests of a trace come.
local function measure_trace(o, s)
  local source, why = open_trace(o, s)
  if not source then return nil, why end
  local span = o.given.rate and math.max(lines_of(o.trace) / o.rate, 1e-3) or source:span()
  source:close()
  if not span and not o.duration then
    return nil, ("--trace: %s cannot be read twice; give --duration"):format(o.trace)
  end
  return math.min(span or math.huge, o.duration or math.huge)
end

local function total_speed(list)
  local sum = 0
  for _, b in ipairs(list) do sum = sum + b.speed * b.concurrency end
  return sum
end

-- The load of the requests as a share of what the backends can do; nil: not known.
local function offered_load(o, s)
  local mean = s.service.mean
  if not mean or s.arrivals.users or (o.trace and not o.given.rate) then return nil end
  return o.rate * mean / total_speed(s.backends)
end

---@param o table  the flags
---@return table? scenario, string? why
function scenario.make(o)
  local s, why = { options = o, arrivals = o.arrivals }
  s.backends, why = backends.make(o)
  if not s.backends then return nil, why end
  s.service, why = choose_service(o)
  if not s.service then return nil, why end
  s.horizon = o.duration or DURATION
  if o.trace then
    s.horizon = math.huge
    s.horizon, why = measure_trace(o, s)
    if not s.horizon then return nil, why end
  end
  if o.warmup >= s.horizon then
    return nil, ("--warmup: the simulation is over after %.6g s"):format(s.horizon)
  end
  s.plan, why = plan.make(o.event, #s.backends, s.horizon)
  if not s.plan then return nil, "--event: " .. why end
  why = bounds.check(o, s, total_speed(s.backends))
  if why then return nil, why end
  s.load = offered_load(o, s)
  return s
end

local function source_of(s)
  local o = s.options
  if o.trace then return open_trace(o, s) end
  return synthetic.new {
    seed = o.seed, rate = o.rate, horizon = s.horizon, service = s.service, clients = o.clients,
    paths = o.paths, zipf = o.zipf, arrivals = s.arrivals,
  }
end

local function streams(seed)
  return {
    balancer = dice.stream(seed, "balancer"), failing = dice.stream(seed, "failing"),
    think = dice.stream(seed, "think"), hedge = dice.stream(seed, "hedge"),
  }
end

local function hedge_of(s)
  local o = s.options
  local hedge, budgets = (o.pool or {}).hedge, {}
  if not hedge then return nil end
  for i = 1, o.balancers do budgets[i] = hedges.new(hedge.share) end
  return { after = hedge.after, draw = s.service.draw, budgets = budgets }
end

local function columns(list)
  local names, places = {}, {}
  for b, backend in ipairs(list) do names[b], places[b] = backend.name, backend.concurrency end
  return names, places
end

local function weights(list)
  local all = {}
  for b, backend in ipairs(list) do all[b] = backend.weight or 1 end
  return all
end

-- Runs it with one policy.
---@param s table
---@param new_balancer fun(o: table): table?, string?  with backends, clock, seed, changed
---@return table? result, string? why
function scenario.run(s, new_balancer)
  local o, clock = s.options, { now = 0 }
  local source, why = source_of(s)
  if not source then return nil, why end
  local measured = stats.new { clock = clock, backends = #s.backends, horizon = s.horizon,
    warmup = o.warmup, windows = WINDOWS }
  local balancers, shared, sim = {}, {}, nil
  local moved = s.plan.moves and moves.new(weights(s.backends)) or nil
  for i = 1, o.balancers do
    balancers[i], why = new_balancer {
      backends = s.backends, pool = o.pool or {}, clock = clock, shared = shared,
      seed = dice.seed(o.seed, "policy " .. i),
      changed = function(...) sim:changed(i, ...) end,
      turns = i > 1 and dice.seed(o.seed, "turns " .. i) % #s.backends or nil,
    }
    if not balancers[i] then return nil, why end
  end
  sim = engine.new {
    clock = clock, backends = s.backends, balancers = balancers, source = source,
    stats = measured, plan = s.plan, random = streams(o.seed), timeout = o.timeout,
    health = o.health, queue = QUEUE, hedge = hedge_of(s), horizon = s.horizon,
    closed = s.arrivals.users and s.arrivals, moves = moved,
  }
  sim:run()
  local result = measured:result(columns(s.backends))
  result.moved = moved and moved:result()
  if o.trace then
    result.trace = source:summary()
    source:close()
  end
  return result
end

return scenario
