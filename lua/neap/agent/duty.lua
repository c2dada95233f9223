-- Checks that several balancers share (`health.share`): each backend is checked by one of them, and
-- all hear what it found. A result of another one stands in for a check of ours for a bounded time,
-- and only as long as nothing that we saw ourselves says otherwise. Without etcd each checks for
-- itself.
--
-- What a balancer finds is in etcd under results/NAME/POOL/CHUNK, with its lease: a change of
-- verdict is written at once, all else twice an interval.

local cjson = require "cjson.safe"
local health_config = require "neap.config.health"
local link = require "neap.agent.link"
local neap = require "neap"
local peers = require "neap.agent.peers"
local show = require "neap.config.show"

local duty = {}
local Duty = {}
Duty.__index = Duty

local SETTLE = 0.5      -- seconds from our lease to the first check: others may be joining, too
local START_LIMIT = 3   -- seconds until the first checks, whatever etcd does
local PATIENCE = 2      -- seconds for the next word about a backend that another one checks
local LOOK_AGAIN = 0.2
local SLACK = 5         -- seconds that a result may be late
local GAP = 0.25        -- seconds between two writes of a chunk
local CHUNK = 200       -- backends of one key
local FOUND_MAX = 4096  -- results of one key that are read
local REASON_MAX = 160
local TURN = -1         -- leave it until its next turn

-- How old a result may become.
---@param settings table  of a check
---@return number seconds
function duty.age_limit(settings) return 2 * settings.interval + settings.timeout + SLACK end

-- ---- whose turn it is ----

local function is_ours(self, member)
  if member.owned_at ~= self.peers.version then
    member.is_ours = self.peers:owner(member.pool.name, member.name) == self.peers.name
    member.owned_at = self.peers.version
  end
  return member.is_ours
end

local function holds(self, now) return not self.peers.is_taken and self.link:holds(now) end

-- Do we know what there is to know before the first checks?
local function is_settled(self, now)
  if self.is_open then return true end
  self.began = self.began or now
  if holds(self, now) then self.open_at = self.open_at or now + SETTLE end
  local is_in_vain = self.link.has_waited and not self.link.has_read
  self.is_open = is_in_vain or now >= (self.open_at or self.began + START_LIMIT)
  return self.is_open
end

-- Is the last word about it, another one's or ours, young enough?
local function is_fresh(probe, now) return now < (probe.word_ends or 0) end

local function note_word(probe, at)
  probe.word_ends = math.max(probe.word_ends or 0, at + duty.age_limit(probe.settings))
end

-- What was found here goes before what others say.
local function is_our_matter(probe)
  return probe.decides or probe.is_contradicted or probe.member.marked_at ~= nil
end

-- Another one's backend, of which nothing was heard lately: a little patience, then it is checked.
local function wait_for_word(probe, now)
  if is_fresh(probe, now) then
    probe.silent_since = nil
    return TURN
  end
  probe.silent_since = probe.silent_since or now
  return now - probe.silent_since < PATIENCE and LOOK_AGAIN or nil
end

-- May the check be left out?
---@param probe table
---@return number? seconds  until it is asked again; less than 0: until its next turn; nil: check it
function Duty:rest(probe)
  local now = self.agent.host.now()
  if is_our_matter(probe) then return nil end
  if not is_settled(self, now) then return LOOK_AGAIN end
  if not holds(self, now) then return nil end
  if not probe.has_run and is_fresh(probe, now) then return TURN end
  if is_ours(self, probe.member) then return nil end
  return wait_for_word(probe, now)
end

-- ---- what we found ----

local function flush_at(of, chunk, due)
  of.due[chunk] = math.min(of.due[chunk] or math.huge, due)
end

-- A check of ours has ended.
---@param probe table
---@param is_ok boolean
---@param reason string?
function Duty:note(probe, is_ok, reason)
  local now, member = self.agent.host.now(), probe.member
  local ours, of = is_ours(self, member), self.pools[member.pool.name]
  probe.is_contradicted = not ours and not is_ok and holds(self, now) or nil
  note_word(probe, now)
  if not ours or probe.verdict == nil then return end
  local before = probe.found
  probe.found = { at = now, verdict = probe.verdict, reason = not is_ok and reason or nil }
  local is_news = not before or before.verdict ~= probe.verdict
  local delay = is_news and 0 or probe.settings.interval / 2
  flush_at(of, member.chunk or 1, math.max(now + delay, (of.wrote[member.chunk or 1] or 0) + GAP))
end

local function add_found(self, list, member, now)
  if not is_ours(self, member) then return end
  for i, probe in ipairs(member.probes) do
    local found = probe.found
    if found and now - found.at < duty.age_limit(probe.settings) then
      table.insert(list, { member.name, i, found.verdict and 1 or 0,
        math.floor((now - found.at) * 1000) / 1000,
        found.reason and found.reason:sub(1, REASON_MAX) })
    end
  end
end

local function write(self, of, chunk, now)
  local list, members = {}, of.pool.members
  for i = (chunk - 1) * CHUNK + 1, math.min(chunk * CHUNK, #members) do
    add_found(self, list, members[i], now)
  end
  of.due[chunk], of.wrote[chunk] = nil, now
  local key = ("%s%s/%d"):format(self.own, neap.url.encode(of.pool.name), chunk)
  local text = list[1] and cjson.encode { by = self.peers.name, pool = of.pool.name, found = list }
  if text then self.link:write(key, text, true) else self.link:write(key, nil) end
end

-- ---- what others found ----

local function is_number(value, most)
  return type(value) == "number" and value >= 0 and value <= most
end

-- The check that a result is of: name, number of the check, verdict, age in seconds, reason.
local function probe_of(of, one)
  local member = type(one) == "table" and type(one[1]) == "string" and of.pool.by_name[one[1]]
  if not member or not is_number(one[2], 64) or not is_number(one[3], 1) then return nil end
  return is_number(one[4], 1e6) and member.probes[one[2]] or nil
end

local function is_older(self, probe, by, at)
  if probe.heard and probe.heard.at > at then return true end
  -- Of our own, only what the agent before this one found is news.
  return probe.found ~= nil and (by == self.peers.name or probe.found.at > at)
end

local function hear(self, of, by, heard_at, one)
  local probe = probe_of(of, one)
  local at = probe and heard_at - one[4]
  if not probe or is_older(self, probe, by, at) then return end
  probe.heard = { at = at }
  note_word(probe, at)
  if not is_fresh(probe, self.agent.host.now()) then return end
  local reason = type(one[5]) == "string" and one[5]:sub(1, REASON_MAX) or "checked ok"
  self.agent.health:hear(probe, one[3] == 1, ("%s (found by %s)"):format(show.text(reason),
    show.text(by)))
end

local function read(self, entry)
  local value = cjson.decode(entry.text)
  if type(value) ~= "table" or type(value.found) ~= "table" then return end
  local by, of = value.by, type(value.pool) == "string" and self.pools[value.pool]
  if type(by) ~= "string" or not of or not self.peers:has(by, value.pool) then return end
  for i = 1, math.min(#value.found, FOUND_MAX) do hear(self, of, by, entry.at, value.found[i]) end
end

function Duty:take(key, text)
  local before = self.entries[key]
  if not text or (before and before.text == text) then
    self.entries[key] = text and before or nil
    return
  end
  self.entries[key] = { text = text, at = self.agent.host.now() }
  read(self, self.entries[key])
end

function Duty:took_all(all)
  for key in pairs(self.entries) do
    if not all[key] then self.entries[key] = nil end
  end
end

local function write_all_soon(of)
  for chunk = 1, math.max(math.ceil(#of.pool.members / CHUNK), of.chunks or 0) do
    flush_at(of, chunk, 0)
  end
end

-- What was not known before may have been told already.
local function read_again(self)
  for _, entry in pairs(self.entries) do read(self, entry) end
end

function Duty:joined()
  for _, of in pairs(self.pools) do write_all_soon(of) end
end

-- The backends are other ones, or in another order.
local function number(of)
  if of.list == of.pool.members then return false end
  write_all_soon(of)
  of.list, of.chunks = of.pool.members, math.ceil(#of.pool.members / CHUNK)
  for i, member in ipairs(of.list) do member.chunk = math.floor((i - 1) / CHUNK) + 1 end
  write_all_soon(of)
  return true
end

function Duty:look(now)
  local is_new = self.seen ~= self.peers.version
  self.seen = self.peers.version
  for _, of in pairs(self.pools) do
    is_new = number(of) or is_new
    for chunk, due in pairs(of.due) do
      if due <= now then write(self, of, chunk, now) end
    end
  end
  if is_new then read_again(self) end
end

-- For /status.
---@param pool table
---@return table  name, members, own (how many backends), error
function Duty:state(pool)
  local own, now = 0, self.agent.host.now()
  local is_shared = holds(self, now)
  for _, member in ipairs(pool.members) do
    if not is_shared or is_ours(self, member) then own = own + 1 end
  end
  return {
    name = self.peers.name, own = own, is_shared = is_shared, answered = self.link.answered,
    error = self.link.failure or self.peers.is_taken and "another balancer has this name" or nil,
    members = is_shared and self.peers:names(pool.name) or { self.peers.name },
    strangers = self.peers:strangers(),
  }
end

-- Several pools whose checks go by one prefix have one.
---@param agent table
---@param pool table
function duty.begin(agent, pool)
  local share = health_config.share(pool.health)
  if not share then return end
  local one = link.of(agent, share.etcd)
  if not one.duty then
    one.lease_seconds = share.lease
    local members = peers.of(agent, one, share)
    one.duty = setmetatable({
      agent = agent, link = one, peers = members, pools = {}, entries = {},
      own = ("results/%s/"):format(neap.url.encode(members.name)),
      meanwhile = "this balancer checks all backends itself until it is back",
    }, Duty)
    one:add("results", one.duty)
  end
  pool.duty = one.duty
  one.duty.pools[pool.name] = { pool = pool, due = {}, wrote = {} }
end

return duty
