-- The agent with a clock, a board and a network that specs make up.
--
--   local world = require("support.agent").new()
--   world.answers["http://a:80"] = true, or { false, "reason", "connect" }, or a function() that
--       may call world.sleep(seconds): what a check of that backend finds (default: true)
--   world.addresses["name"] = { "192.0.2.1" }, or nil: does not resolve; world.ttl = seconds;
--       world.missing = 4 or 6: the family that nobody answered; world.dns_changes = n
--   local agent = world:start({ pools = { pool, … } }, kept, earlier)    pool: see world.pool;
--       kept, earlier: what agents before left (neap.agent.journal)
--       of a check with a `path`: world.answers["http://a:80/path"]
--   world.pool{ name = "web", backends = { "http://a:80", … }, health = {…}, hooks = {…} }
--   world.policies = { { title = "service web", service = 0, hooks = {…} } }: uses of policies
--   world:run(seconds)          lets the time pass, tick by tick
--   world:stall(seconds)        the agent does nothing for so long
--   world.shortages = n         how often it was short of files so far
--   world:state("http://a:80")  of the backend on the board
--   world:mark_down("http://a:80", reason)   what a request does
--   world:suspect(url, n = 1), world:trust(url)   failures after connecting; a good answer
--   world:fail(url, n = 1), world:serve(url, n = 1)   attempts there that failed, or went well
--   world:log() → all lines, each "level text"; world:count(pattern)
--   world.checks → list of { url =, at = } in the order they began

local agent = require "neap.agent"
local config_load = require "neap.config.load"

local support = {}
local World = {}
World.__index = World

local TICK = 0.1

local function make_log(world)
  local log = {}
  for _, level in ipairs { "debug", "info", "warn", "error" } do
    log[level] = function(format, ...)
      local text = select("#", ...) > 0 and format:format(...) or format
      table.insert(world.lines, level .. " " .. text)
    end
  end
  return log
end

local function check(world, def, path)
  local what = def.url .. (path or "")
  table.insert(world.checks, { url = what, at = world.time })
  local answer = world.answers[what]
  if type(answer) == "function" then return answer(def) end
  if type(answer) == "table" then return unpack(answer) end
  if answer == nil then return true end
  return answer
end

local function make_host(world)
  local ready, ready_check = {}, function(def) return check(world, def) end
  return {
    log = make_log(world),
    now = function() return world.time end,
    random = function() return 0.5 end,
    shortages = function() return world.shortages or 0 end,
    spawn = function(fn, on_end)
      world.last_task = (world.last_task or 0) + 1
      local task = { co = coroutine.create(fn), due = 0, on_end = on_end, number = world.last_task }
      world.tasks[task] = true
      return task
    end,
    cancel = function(task) world.tasks[task] = nil end,
    resolve = function(name)
      table.insert(world.lookups, { name = name, at = world.time })
      if not world.addresses[name] then return nil, "no such name" end
      return world.addresses[name], world.ttl, world.missing
    end,
    dns_changes = function() return world.dns_changes or 0 end,
    backend = function(slot) return world.board.rows[slot].def end,
    pool = function(pool) return pool end,
    pool_hooks = function(name) return world.hooks[name] or {} end,
    policies = function() return world.policies end,
    check_of = function(list)
      local one = list[1].path and function(def) return check(world, def, list[1].path) end
        or ready_check
      ready[one] = true
      return one
    end,
    wants_addresses = function(fn) return ready[fn] == true end,
    introduce = function() end,
    is_tripped = function() return false end,
    hook_ok = function() end,
    enter = function() end,
    hook_error = function(_, hook, why)
      table.insert(world.lines, ("error %s: %s"):format(hook, why))
    end,
  }
end

local STATES = { [0] = "unknown", "up", "down", "drain", "ejected" }

local LIVE, CHECKED = { [0] = true, true }, { [0] = true, true, true }
local ANY = { [0] = true, true, true, true, true }

local function change(world, slot, allowed, to, reason)
  local board = world.board
  local row = board.rows[slot]
  if row.state == to or not allowed[row.state] then return false end
  world.stamps = world.stamps + 1
  row.state, row.reason, row.stamp, row.is_marked = to, reason, world.stamps, false
  board.versions[row.pool] = board.versions[row.pool] + 1
  return true
end

local function add_states(world, board)
  function board.stamp(slot) return board.rows[slot].stamp end
  function board.condition(slot)
    local row = board.rows[slot]
    return {
      state = row.state, reason = row.reason, is_marked = row.is_marked,
      ejected_until = row.ejected_until or 0,
    }
  end
  function board.checked(slot, is_up, reason)
    return change(world, slot, CHECKED, is_up and 1 or 2, reason)
  end
  function board.set_state(slot, to, reason)
    for number = 0, 4 do
      if STATES[number] == to then return change(world, slot, ANY, number, reason) end
    end
  end
  function board.mark_down(slot, reason)
    if not change(world, slot, LIVE, 2, reason) then return false end
    board.rows[slot].is_marked = true
    return true
  end
end

-- What `eject` and `panic` go by.
local function add_counts(world, board)
  function board.outlier(slot)
    local row = board.rows[slot]
    return row.streak, row.ejections, row.requests, row.bad
  end
  function board.is_pinned(slot) return board.rows[slot].is_pinned == true end
  function board.outliers() return board.long_streaks end
  function board.eject(slot, until_ms, ejections, reason)
    local row = board.rows[slot]
    row.ejected_until, row.ejections, row.streak = until_ms, ejections, 0
    return change(world, slot, ANY, 4, reason)
  end
  function board.share(pool)
    local up, of = 0, 0
    for _, slot in ipairs(board.lists[pool]) do
      local state = board.rows[slot].state
      if state ~= 3 then of = of + 1 end
      if state < 2 then up = up + 1 end
    end
    return up, of
  end
  function board.suspicion(slot)
    local row = board.rows[slot]
    return row.suspicion or 0, row.suspected or 0, "closed"
  end
  function board.suspected(pool) return board.news[pool] or 0 end
  function board.set_panics(pool, is_panicking) board.panics[pool] = is_panicking end
end

local function make_board(world)
  local board = { rows = {}, lists = {}, versions = {}, panics = {}, news = {}, long_streaks = 0 }
  add_states(world, board)
  add_counts(world, board)
  function board.pool(name)
    board.versions[name] = board.versions[name] or 0
    return name
  end
  function board.find(pool, name)
    for slot, row in pairs(board.rows) do
      if row.pool == pool and row.def.name == name then return slot end
    end
  end
  function board.publish(pool, def, addresses)
    local slot = board.find(pool, def.name)
    if not slot then
      slot = #board.rows + 1
      board.rows[slot] = {
        pool = pool, state = 0, stamp = 0, reason = "", streak = 0, ejections = 0, requests = 0,
        bad = 0,
      }
    end
    board.rows[slot].def, board.rows[slot].addresses = def, addresses
    return slot
  end
  function board.addresses(slot) return board.rows[slot].addresses end
  function board.host(slot) return board.rows[slot].def.host end
  function board.set_addresses(slot, _, list) board.rows[slot].addresses = list end
  function board.set_members(pool, slots)
    board.lists[pool] = slots
    board.versions[pool] = board.versions[pool] + 1
  end
  function board.version(pool) return board.versions[pool] end
  function board.reclaim() end
  function board.wall_ms() return world.time * 1000 end
  return board
end

local EJECT = {
  consecutive = 5, error_rate = false, interval = 10, min_requests = 20, time = 30, max_time = 300,
  max_share = 0.5,
}
local HEALTH = { type = "tcp", interval = 60, timeout = 60, rise = 1, fall = 1, recheck = 1,
  fast = false, jitter = 0.1, initial = "unknown", failures = 3 }

function support.new()
  local world = setmetatable({
    time = 1000, stamps = 0, lines = {}, answers = {}, addresses = {}, hooks = {}, checks = {},
    lookups = {}, tasks = {}, policies = {},
  }, World)
  world.board = make_board(world)
  world.host = make_host(world)
  function world.sleep(seconds) coroutine.yield(seconds) end
  function world.pool(options)
    local health = options.health or {}
    for _, one in ipairs(health[1] and health or { health }) do
      setmetatable(one, { __index = HEALTH })
    end
    world.hooks[options.name or "web"] = options.hooks
    return {
      name = options.name or "web",
      health = health,
      discover = { interval = 10 },
      eject = options.eject and setmetatable(options.eject, { __index = EJECT }),
      panic = options.panic,
      backends = assert(config_load.backends(options.backends or {}, "backends")),
    }
  end
  return world
end

function World:start(config, kept, earlier)
  self.agent = agent.new(self.host, self.board)
  self.agent.kept, self.agent.earlier = kept or {}, earlier or {}
  self.agent:publish(config)
  return self.agent
end

local function resume(world, task)
  local ok, seconds = coroutine.resume(task.co)
  if coroutine.status(task.co) == "dead" then
    world.tasks[task] = nil
    task.on_end(ok, seconds)
  else
    task.due = world.time + seconds
  end
end

local function run_tasks(world)
  repeat
    local is_quiet = true
    local due = {}
    for task in pairs(world.tasks) do
      if task.due <= world.time then table.insert(due, task) end
    end
    table.sort(due, function(a, b) return a.number < b.number end)
    for _, task in ipairs(due) do
      if world.tasks[task] then
        resume(world, task)
        is_quiet = false
      end
    end
  until is_quiet
end

function World:run(seconds)
  local stop = self.time + seconds
  repeat
    self.is_ready = self.agent:tick()
    run_tasks(self)
    self.time = self.time + TICK
  until self.time > stop
end

function World:stall(seconds) self.time = self.time + seconds end

function World:slot(url)
  for slot, row in ipairs(self.board.rows) do
    if row.def.url == url then return slot end
  end
end

function World:state(url) return STATES[self.board.rows[self:slot(url)].state] end

function World:mark_down(url, reason) self.board.mark_down(self:slot(url), reason or "refused") end

function World:suspect(url, n)
  local row = self.board.rows[self:slot(url)]
  row.suspicion, row.suspected = (row.suspicion or 0) + (n or 1), (row.suspected or 0) + (n or 1)
  self.board.news[row.pool] = (self.board.news[row.pool] or 0) + 1
end

function World:trust(url) self.board.rows[self:slot(url)].suspicion = 0 end

function World:fail(url, n)
  local row = self.board.rows[self:slot(url)]
  row.streak, row.requests, row.bad = row.streak + (n or 1), row.requests + (n or 1),
    row.bad + (n or 1)
  self.board.long_streaks = self.board.long_streaks + 1
end

function World:serve(url, n)
  local row = self.board.rows[self:slot(url)]
  row.streak, row.requests = 0, row.requests + (n or 1)
end

function World:log() return table.concat(self.lines, "\n") .. "\n" end

function World:count(pattern)
  local count = 0
  for _, line in ipairs(self.lines) do
    if line:find(pattern) then count = count + 1 end
  end
  return count
end

function World:checks_of(url)
  local times = {}
  for _, one in ipairs(self.checks) do
    if one.url == url then table.insert(times, one.at) end
  end
  return times
end

return support
