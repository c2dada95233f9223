-- Names of backends and their addresses: looked up at start and again after their time to live.

local N = require("neap.ffi").numbers

local names = {}
local Names = {}
Names.__index = Names

local LOOKUP_LIMIT = 5
local LEAST, USUAL, MOST = 5, 30, 300 -- seconds until the next lookup
local LOOK_EVERY = 1 -- seconds
local ADDRS_MAX = N.NEAP_BOARD_ADDRS_MAX

---@param host table   resolve(name) → addresses, ttl, missing family, or nil, why; dns_changes; log
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

-- ttl 0 is a time to live: as short as may be.
local function next_lookup(entry, ttl, is_half)
  if entry.failure then return #entry.addresses > 0 and USUAL or LEAST end
  if not ttl or ttl < 0 then return USUAL end
  return math.max(LEAST, math.min(ttl, is_half and USUAL or MOST))
end

-- If only one family was answered, the known addresses of the other one stay.
local function whole(entry, addresses, missing)
  if not missing or missing == 0 then return addresses end
  local list = {}
  for _, address in ipairs(addresses) do table.insert(list, address) end
  for _, address in ipairs(entry.addresses) do
    local family = address:find(":", 1, true) and 6 or 4
    if family == missing and #list < ADDRS_MAX then table.insert(list, address) end
  end
  return list
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

local function ended(self, entry, outcome, addresses, more, missing)
  local before = entry.addresses
  if outcome == "done" and addresses and addresses[1] then
    note_answer(self, entry, whole(entry, addresses, missing))
  else
    local why = outcome == "timeout" and "no answer in time" or outcome == "error" and addresses
    note_failure(self, entry, why or more or "there is no address")
  end
  if not entry.is_known then self.pending = self.pending - 1 end
  local is_news = not entry.is_known or before ~= entry.addresses
  entry.is_known = true
  if is_news then tell_members(self, entry) end
  return next_lookup(entry, more, missing and missing ~= 0)
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

-- The member wants this name's addresses; if they are not known yet, on_known is called later.
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

-- Other servers may know other addresses. To be called often; looks once per second.
function Names:look(now)
  if now < (self.look_due or now) then return end
  self.look_due = now + LOOK_EVERY
  local changes = self.host.dns_changes()
  local is_new = changes > (self.changes or 0)
  self.changes = changes
  if not is_new or not next(self.entries) then return end
  self.host.log.info("/etc/resolv.conf is another one: names are looked up again")
  for _, entry in pairs(self.entries) do self.jobs:set(entry, "names", 0) end
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
