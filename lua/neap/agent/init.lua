-- What runs beside traffic: publishes pools and backends on the board, resolves their names, runs
-- `discover`, `start` and `every`, checks health and reports changes. C calls `tick` ten times per
-- second; everything that may wait runs in a coroutine of its own.

local acme = require "neap.agent.acme"
local certificates = require "neap.agent.certificates"
local changes = require "neap.agent.changes"
local common = require "neap.agent.common"
local discover = require "neap.agent.discover"
local duty = require "neap.agent.duty"
local eject = require "neap.agent.eject"
local events = require "neap.agent.events"
local health = require "neap.agent.health"
local jobs = require "neap.agent.jobs"
local journal = require "neap.agent.journal"
local link = require "neap.agent.link"
local members = require "neap.agent.members"
local names = require "neap.agent.names"
local panic = require "neap.agent.panic"
local probes = require "neap.agent.probes"
local registry = require "neap.agent.registry"
local routines = require "neap.agent.routines"
local shadows = require "neap.agent.shadows"
local sharing = require "neap.agent.sharing"
local suspects = require "neap.agent.suspects"

local agent = {}
local Agent = {}
Agent.__index = Agent

local TICK = 0.1         -- seconds, as in agent.c
local PLACES = 512       -- checks, lookups and hooks at once
local READY_LIMIT = 10   -- seconds until workers start, whatever is still unknown
local RECLAIM_EVERY = 10 -- seconds
local LATE = 0.25        -- seconds a tick may be late without being remembered
local LATE_KEPT = 16     -- how many late ticks are remembered

local function new_pool(self, config)
  local index = self.board.pool(config.name)
  if not index then error(("pool %s: the board has no room for it"):format(config.name), 0) end
  local hooks = self.host.pool_hooks(config.name)
  return {
    name = config.name,
    index = index,
    health = config.health,
    send_proxy = config.send_proxy, http2 = config.http2,
    discover = config.discover,
    policy = config.policy,
    hooks = hooks,
    checks = probes.of_pool(self.host, config.health, hooks.check ~= nil),
    eject = config.eject or nil,
    panic = config.panic or 0,
    shadow = config.shadow or nil,
    mirror = config.mirror or nil,
    hedge = config.hedge or nil,
    members = {},
    by_name = {},
  }
end

function Agent:publish(config)
  self.config = config
  for _, pool_config in ipairs(config.pools) do
    local pool = new_pool(self, pool_config)
    table.insert(self.pools, pool)
    pool.overlay = self.kept[pool.name] and self.kept[pool.name].changed
    duty.begin(self, pool)
    discover.begin(self, pool, pool_config.backends)
  end
  routines.begin(self)
  local share = config.admin and config.admin.share
  if share then self.sharing = sharing.begin(self, share) end
  self.common = common.begin(self.host, config.shared or {})
  self:keep()
end

-- Leaves what this agent knows to the next one.
---@return boolean? ok, string? why
function Agent:keep() return self.leave(journal.text(self.pools)) end

-- What a person changed, in words, for the log and the admin side.
function Agent:note_change(q, what, more)
  local who = q.is_unix and "the unix socket" or q.client
  self.host.log.info("admin: %s %s", who, what)
  self.events:add("change", "info", ("%s %s"):format(who, what), more)
end

-- How late the agent was at worst since that time, in seconds: now, or in a tick meanwhile.
---@param since number
---@return number
function Agent:late_since(since)
  local worst = self.host.now() - self.tick_due
  for _, late in ipairs(self.lates) do
    if late.ended > since then worst = math.max(worst, late.seconds) end
  end
  return worst
end

local function note_lateness(self, now)
  local late = now - self.tick_due
  if late < LATE then return end
  table.insert(self.lates, { ended = now, seconds = late })
  if #self.lates > LATE_KEPT then table.remove(self.lates, 1) end
end

local function is_ready(self, now)
  if self.waiting == 0 and self.names.pending == 0 then return true end
  if now < self.started + READY_LIMIT then return false end
  if self.waiting > 0 then
    self.host.log.warn("workers begin without the end of %d %s (start, discover) that took longer "
      .. "than %d s", self.waiting, self.waiting == 1 and "hook" or "hooks", READY_LIMIT)
  end
  return true
end

local function reclaim(self, now)
  if now < self.reclaim_due then return end
  self.reclaim_due = now + RECLAIM_EVERY
  self.board.reclaim()
end

---@return boolean is_ready
function Agent:tick()
  local now = self.host.now()
  note_lateness(self, now)
  changes.scan(self)
  self.health:end_ejections()
  suspects.look(self)
  eject.look(self, now)
  panic.look(self)
  self.jobs:tick()
  registry.look(self, now)
  link.look(self, now)
  common.look(self.common, now)
  reclaim(self, now)
  self.names:look(now)
  shadows.look(self, now)
  certificates.look(self, now)
  if self.counts then self.events:look(self.counts, self.config.services) end
  if self.history then self.history.look(self) end
  self.tick_due = self.host.now() + TICK
  self.is_ready = self.is_ready or is_ready(self, now)
  return self.is_ready
end

---@param host table   what the process offers (neap.agent.host)
---@param board table  (neap.agent.board)
function agent.new(host, board)
  local self = setmetatable({ host = host, board = board }, Agent)
  self.kept, self.earlier = {}, {} -- what agents before left: of this generation, of the last one
  self.leave = function() return true end
  self.pools, self.ejected, self.lates = {}, {}, {}
  self.waiting = 0 -- hooks discover and start that never ran to the end yet
  self.started = host.now()
  self.tick_due, self.reclaim_due = self.started, self.started
  self.jobs = jobs.new(host, PLACES)
  self.events = events.new(host, board.wall_ms)
  self.health = health.new(self)
  self.names = names.new(host, self.jobs, function(member, addresses)
    members.set_addresses(self, member, addresses)
  end)
  return self
end

local current

-- Starts the agent of this process; errors are the caller's.
---@param config table  checked
function agent.start(config)
  local host = require "neap.agent.host"
  local board = require "neap.agent.board"
  current = agent.new(host, board.attach())
  local native = require "neap.native"
  if native.journal then
    current.kept, current.earlier = journal.read(native.journal()), journal.read(native.earlier())
    current.leave = native.keep
  end
  current:publish(config)
  current.acme = acme.start(config, current.jobs, require "neap.agent.acme.tools")
  if config.admin then
    current.counts, current.history = require "neap.admin.counts", require "neap.agent.history"
  end
end

-- The agent of this process.
---@return table
function agent.current() return current end

-- To be called every TICK seconds.
---@return boolean is_ready  names and the hooks discover and start are through, or had their time
function agent.tick() return current:tick() end

-- No tick comes after this.
function agent.finish() shadows.finish(current) end

-- Something changed on the board: looks at once, not only with the next tick.
function agent.wake() changes.scan(current) end

return agent
