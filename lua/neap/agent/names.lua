-- Names of backends and their addresses: looked up at start and again by their time to live.

local names = {}
local Names = {}
Names.__index = Names

local LOOKUP_LIMIT = 5
local LEAST, USUAL, MOST = 5, 30, 300 -- seconds until the next lookup

---@param host table   resolve(name) → addresses, ttl or nil, why; log
---@param jobs table
---@param on_known fun(member, addresses)  called when a name's addresses are new
function names.new(host, jobs, on_known)
  return setmetatable({
    host = host,
    jobs = jobs,
    on_known = on_known,
    entries = {},
    pending = 0, -- names never looked up to the end yet
  }, Names)
end

-- The order of answers rotates; only a new set of addresses is a change.
local function is_same_set(a, b)
  if #a ~= #b then return false end
  local has = {}
  for _, address in ipairs(a) do has[address] = true end
  for _, address in ipairs(b) do
    if not has[address] then return false end
  end
  return true
end

local function next_lookup(entry, ttl)
  if entry.failure then return #entry.addresses > 0 and USUAL or LEAST end
  if not ttl or ttl == 0 then return USUAL end
  return math.max(LEAST, math.min(ttl, MOST))
end

local function note_failure(self, entry, why)
  if entry.failure ~= why then
    local kept = #entry.addresses > 0 and "; its addresses are kept" or ""
    self.host.log.warn("cannot resolve %s: %s%s", entry.name, why, kept)
  end
  entry.failure = why
end

local function note_answer(self, entry, addresses)
  if entry.failure then self.host.log.info("%s resolves again", entry.name) end
  entry.failure = nil
  if is_same_set(entry.addresses, addresses) then return end
  if entry.is_known then
    self.host.log.info("%s is now %s", entry.name, table.concat(addresses, ", "))
  end
  entry.addresses = addresses
end

local function tell_members(self, entry)
  for member in pairs(entry.members) do self.on_known(member, entry.addresses) end
end

local function ended(self, entry, outcome, addresses, more)
  local before = entry.addresses
  if outcome == "done" and addresses and addresses[1] then
    note_answer(self, entry, addresses)
  else
    local why = outcome == "timeout" and "no answer in time" or outcome == "error" and addresses
    note_failure(self, entry, why or more or "there is no address")
  end
  if not entry.is_known then self.pending = self.pending - 1 end
  local is_news = not entry.is_known or before ~= entry.addresses
  entry.is_known = true
  if is_news then tell_members(self, entry) end
  return next_lookup(entry, more)
end

local function new_entry(self, name)
  local entry = { name = name, members = {}, uses = 0, addresses = {}, limit = LOOKUP_LIMIT }
  entry.run = function() return self.host.resolve(name, LOOKUP_LIMIT) end
  entry.ended = function(_, ...) return ended(self, entry, ...) end
  self.entries[name] = entry
  self.pending = self.pending + 1
  self.jobs:set(entry, "names", 0)
  return entry
end

-- The member wants this name's addresses; it is told through on_known if they are not known yet.
---@param known string[]  addresses that the board has from before; better than none
---@return string[] addresses, boolean is_known
function Names:want(member, name, known)
  local entry = self.entries[name] or new_entry(self, name)
  if not entry.members[member] then
    entry.members[member] = true
    entry.uses = entry.uses + 1
  end
  if #entry.addresses == 0 then entry.addresses = known end
  return entry.addresses, entry.is_known or #entry.addresses > 0
end

function Names:release(member, name)
  local entry = self.entries[name]
  if not entry or not entry.members[member] then return end
  entry.members[member] = nil
  entry.uses = entry.uses - 1
  if entry.uses > 0 then return end
  if not entry.is_known then self.pending = self.pending - 1 end
  self.entries[name] = nil
  self.jobs:remove(entry)
end

return names
