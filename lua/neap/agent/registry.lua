-- A pool's registry (`discover.type`): runs the page of lua/neap/discover/ that speaks with it in a
-- coroutine of its own, and puts the lists that it hands over into force.
--
-- A page is a function(settings, registry) that may wait and goes on as long as it can; it returns
-- nil and why when it cannot, and is started again a little later. It calls
--   registry:list(members, revision)  what is registered now: texts or tables as in `backends`, or
--       a function that gives them when they are wanted; a table of the same identity as in the
--       list before is the same member
--   registry:same()                   nothing has changed, said the registry just now
--   registry:fail(why)                it says nonsense, but the page goes on
-- and finds in
--   registry.memory                   a table of its own, kept while it is started again
--   registry.turn                     how often it was started: for the choice of a server
--
-- Whatever it says, the last good list serves on: an empty one is not believed at once, members
-- that are no backends are left out, what comes and goes is damped (damping.lua).

local damping = require "neap.agent.damping"
local journal = require "neap.agent.journal"
local listed = require "neap.agent.listed"
local listing = require "neap.agent.listing"
local members = require "neap.agent.members"
local probes = require "neap.agent.probes"

local registry = {}
local Registry = {}
Registry.__index = Registry

local PAUSE_LEAST, PAUSE_MOST = 0.1, 15 -- seconds until it is started again
local STABLE = 5 -- seconds that it ran: whatever ended it then, the next try is soon
local KEEP_EVERY, SAY_EVERY = 1, 1
local LOOK_AGAIN = 5 -- seconds, at those that are held out
local GAP = 0.05 -- seconds from a list to the next one at least
local COST_SHARE = 4 -- and so many times as long as it took
local DRAINED = "drained by its registry"

function Registry:fail(why) self.failure = why end

function Registry:same()
  self.heard, self.failures = true, 0
end

local function end_wait(agent, r)
  if r.has_ended_once then return end
  r.has_ended_once = true
  agent.waiting = agent.waiting - 1
end

-- One failure may be a server that goes while others are there: it is told if the next try fails,
-- too.
local function fail(agent, pool, r, why)
  local now = agent.host.now()
  r.failures = r.failures + 1
  if now - r.started >= STABLE then r.pause = PAUSE_LEAST end
  r.due = now + r.pause * (0.75 + 0.5 * agent.host.random())
  r.pause = math.min(r.pause * 2, PAUSE_MOST)
  if r.failures > 1 or not pool.answered then
    r.has_failed = true
    listed.complain(agent, pool, why)
  end
  end_wait(agent, r)
end

local function start(agent, pool, r)
  r.turn, r.started = r.turn + 1, agent.host.now()
  local settings, why = pool.discover, nil
  r.task = agent.host.spawn(function()
    local page = require("neap.discover." .. settings.type)
    local _, reason = page(settings, r)
    why = reason or "it ended"
  end, function(ok, reason)
    local where = settings.path and settings.path .. ": " or ""
    r.ended = tostring(ok and why or where .. "it erred: " .. tostring(reason))
  end, not r.is_guarded)
  if not r.task then r.ended = "out of memory" end
end

-- ---- putting a list into force ----

-- Since when each is listed as it is.
local function marks_of(agent, pool, list, entries, revision)
  local marks, now = {}, listed.now(agent)
  for _, def in ipairs(list) do
    local before, member = pool.marks[def.name], pool.by_name[def.name]
    local is_same = before and member and listing.is_same(member.def, def)
    marks[def.name] = is_same and before
      or { since = now, revision = entries[def.name].revision or revision }
  end
  return marks
end

local function drain(agent, member, entry)
  local board = agent.board
  if entry.drain and member.state ~= "drain" and not board.is_pinned(member.slot) then
    board.set_state(member.slot, "drain", ("%s: %s"):format(DRAINED, entry.drain))
  elseif not entry.drain and member.state == "drain"
    and board.condition(member.slot).reason:sub(1, #DRAINED) == DRAINED then
    board.set_state(member.slot, probes.last(member), "its registry drains it no longer")
  end
end

local function drain_members(agent, pool, entries)
  for _, member in ipairs(pool.members) do
    local entry = entries[member.name]
    if entry then drain(agent, member, entry) end
  end
end

local function count_changes(pool, r, list)
  local found = {}
  for _, def in ipairs(list) do
    found[def.name] = true
    if not pool.by_name[def.name] then r.more = r.more + 1 end
  end
  for name in pairs(pool.by_name) do
    if not found[name] then r.fewer = r.fewer + 1 end
  end
end

local function say_changes(agent, pool, r, now)
  if r.more + r.fewer == 0 or now < r.say_at then return end
  r.say_at = now + SAY_EVERY
  agent.host.log.info("discover of pool %s: %d more, %d fewer, now %d%s", pool.name, r.more,
    r.fewer, #pool.members, pool.revision and (" (revision %s)"):format(pool.revision) or "")
  r.more, r.fewer = 0, 0
end

local function set(agent, pool, r, list, entries)
  count_changes(pool, r, list)
  pool.marks = marks_of(agent, pool, list, entries, r.revision)
  pool.revision = r.revision
  journal.note(pool, list, "discover", pool.answered)
  members.set(agent, pool, list, "discover")
  drain_members(agent, pool, entries)
  r.is_unkept = true
end

-- Is this empty list to be believed? It may be that the registry has lost its memory.
local function believes_empty(agent, pool, r, now)
  local empty = pool.discover.empty
  if #pool.members == 0 or empty == "believe" then return true end
  r.empty_since = r.empty_since or now
  if empty ~= "keep" then
    r.again_at = r.empty_since + empty
    if now >= r.again_at then return true end
  end
  listed.complain(agent, pool, ("the list is empty (discover.empty = %s)"):format(
    empty == "keep" and '"keep"' or ("%g"):format(empty)))
  return false
end

-- Told, for a prefix or a name that is mistyped lists nothing, too.
local function tell_empty(agent, pool, r, is_empty)
  if is_empty and not r.is_empty then
    agent.host.log.warn("discover of pool %s: the list is empty: it has no backends", pool.name)
  end
  r.is_empty = is_empty
end

local function tell_left_out(agent, pool, r, found)
  r.left_out, r.left_out_why = found.left_out, found.why
  if found.why and found.why ~= r.told_why then
    agent.host.log.warn("discover of pool %s: %d of its members %s left out: %s", pool.name,
      found.left_out, found.left_out == 1 and "is" or "are", found.why)
  end
  r.told_why = found.why
end

local function tell_held(agent, pool, r, held)
  local before = r.held
  r.held = {}
  for i, def in ipairs(held) do
    r.held[i] = def.name
    r.held[def.name] = true
    if not before[def.name] then
      agent.host.log.warn("discover of pool %s: %s comes and goes (it left %d times lately): it is "
        .. "held out until it is quiet", pool.name, def.url, pool.discover.flaps)
    end
  end
end

local function apply(agent, pool, r, now)
  r.again_at = nil
  local raws = r.raws
  if type(raws) == "function" then raws = raws() end
  local found, why = listing.read(r.listing, raws, pool, agent.config.services or {})
  r.is_refused = not found
  if not found then return listed.complain(agent, pool, why) end
  tell_left_out(agent, pool, r, found)
  if #found.list == 0 and not believes_empty(agent, pool, r, now) then return end
  if #found.list > 0 then r.empty_since = nil end
  local list, held = damping.apply(r.damping, found.list, now, pool.discover.flaps)
  tell_held(agent, pool, r, held)
  if #held > 0 then r.again_at = now + LOOK_AGAIN end
  listed.works(agent, pool)
  set(agent, pool, r, list, found.by_name)
  tell_empty(agent, pool, r, #list == 0)
end

local function apply_timed(agent, pool, r, now)
  if now < r.apply_at then return end
  if not r.is_new and not (r.again_at and now >= r.again_at) then return end
  r.is_new = false
  apply(agent, pool, r, now)
  local ended = agent.host.now()
  r.apply_at = math.max(now + GAP, ended + (ended - now) * COST_SHARE)
  end_wait(agent, r)
end

local function hear(agent, pool, r)
  if not r.heard then return end
  r.heard = false
  pool.answered = listed.now(agent)
  pool.listed.answered = pool.answered
  if r.has_failed and not r.is_refused and not r.is_new and not r.empty_since then
    listed.works(agent, pool)
  end
  r.has_failed = false
end

-- ---- the page's calls ----

-- In force at once, or, soon after another one, with a later tick. (The page of a Lua file has no
-- more time than a hook: its list waits for the tick.)
---@param raws table[]|string[]|fun(): table
---@param revision any
function Registry:list(raws, revision)
  self.raws, self.is_new = raws, true
  self.revision = revision ~= nil and tostring(revision) or nil
  self:same()
  if self.is_guarded then return end
  hear(self.agent, self.pool, self)
  apply_timed(self.agent, self.pool, self, self.agent.host.now())
end

-- ---- the agent's calls ----

local function keep(agent, pool, r, now)
  if not r.is_unkept or now < r.keep_at then return end
  r.is_unkept, r.keep_at = false, now + KEEP_EVERY
  listed.keep(agent, pool)
end

local function look_at(agent, pool, r, now)
  local why = r.ended
  if r.failure then
    listed.complain(agent, pool, r.failure)
    r.failure, r.has_failed = nil, true
    end_wait(agent, r)
  end
  hear(agent, pool, r)
  apply_timed(agent, pool, r, now)
  say_changes(agent, pool, r, now)
  keep(agent, pool, r, now)
  if why then
    r.ended, r.task = nil, nil
    fail(agent, pool, r, why)
  elseif not r.task and now >= r.due then
    start(agent, pool, r)
  end
end

-- With each tick.
---@param agent table
---@param now number
function registry.look(agent, now)
  for _, pool in ipairs(agent.pools) do
    if pool.registry then look_at(agent, pool, pool.registry, now) end
  end
end

---@param agent table
---@param pool table
---@param entry table  what the agent before left of the pool (journal.lua)
function registry.begin(agent, pool, entry)
  local now = agent.host.now()
  local path = pool.discover.path
  pool.revision = type(entry.revision) == "string" and entry.revision or nil
  pool.registry = setmetatable({
    is_guarded = path ~= nil and path:find "%.lua$" ~= nil, -- it runs code of the config's owner
    agent = agent, pool = pool, memory = {}, turn = 0, failures = 0, pause = PAUSE_LEAST,
    due = now, apply_at = now, keep_at = now, say_at = now,
    more = 0, fewer = 0, left_out = 0, held = {},
    listing = listing.new(), damping = damping.new(),
  }, Registry)
  agent.waiting = agent.waiting + 1
end

return registry
