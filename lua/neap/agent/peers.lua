-- Who the balancers are that share something by one prefix in etcd: each has a key there that goes
-- with its lease and says what it is called and which pools it has. One that has none of our pools,
-- or says that it is of another cluster, is there by mistake: it is told, and not believed.

local cjson = require "cjson.safe"
local files = require "neap.discover.files"
local neap = require "neap"
local show = require "neap.config.show"
local sorted = require "neap.sorted"

local peers = {}
local Peers = {}
Peers.__index = Peers

local HOSTNAME = "/proc/sys/kernel/hostname"
local NAME_MAX, POOLS_MAX = 255, 1024
local MEMBERS_MAX = 1000 -- each is looked at for each backend
local SKETCH = 8 -- hashes of backends that stand for a pool
local PATIENCE = 5 -- seconds: a name that another one has longer than that is told
local NAMES_SHOWN = 5

-- The smallest hashes of its backends' names: pools that have most backends in common have one of
-- these in common, however long they are. Empty: its backends are not in the config.
local function sketch_of(pool)
  local hashes = {}
  for i, backend in ipairs(pool.backends) do hashes[i] = neap.hash(backend.name, 0) end
  table.sort(hashes)
  for i = #hashes, SKETCH + 1, -1 do hashes[i] = nil end
  return hashes
end

local function pools_of(config)
  local pools = {}
  for _, pool in ipairs(config.pools) do pools[pool.name] = sketch_of(pool) end
  return pools
end

local function is_text(value) return type(value) == "string" and #value <= NAME_MAX end

local function read_sketch(value)
  local sketch = {}
  for i = 1, math.min(type(value) == "table" and #value or 0, SKETCH) do sketch[i] = value[i] end
  return sketch
end

-- nil: it is no balancer's.
local function read(text)
  local value = cjson.decode(text)
  if type(value) ~= "table" or not is_text(value.name) or type(value.pools) ~= "table" then
    return nil
  end
  local record, n = { name = value.name, id = value.id, pools = {} }, 0
  record.cluster = is_text(value.cluster) and value.cluster or nil
  for name, sketch in pairs(value.pools) do
    n = n + 1
    if n > POOLS_MAX then break end
    if is_text(name) then record.pools[name] = read_sketch(sketch) end
  end
  return record
end

local function have_one_in_common(a, b)
  if #a == 0 or #b == 0 then return true end
  local has = {}
  for _, hash in ipairs(a) do has[hash] = true end
  for _, hash in ipairs(b) do
    if has[hash] then return true end
  end
  return false
end

local function has_pool(self, record, pool)
  local ours, theirs = self.pools[pool], record.pools[pool]
  return ours ~= nil and theirs ~= nil and have_one_in_common(ours, theirs)
end

local function names_of(pools)
  local names = sorted.keys(pools)
  local more = #names > NAMES_SHOWN and ", …" or ""
  return show.text(table.concat(names, ", ", 1, math.min(#names, NAMES_SHOWN)) .. more)
end

-- Why it is none of ours; nil: it is one.
local function strangeness(self, record)
  if record.cluster ~= self.cluster then
    return ("it is of the cluster %s (expected %s)"):format(show.value(record.cluster),
      show.value(self.cluster))
  end
  local common
  for name in pairs(record.pools) do
    if has_pool(self, record, name) then return nil end
    common = common or self.pools[name] and name
  end
  if common then return ("its pool %s has other backends"):format(show.text(common)) end
  return ("it has the pools %s (expected one of %s)"):format(names_of(record.pools),
    names_of(self.pools))
end

local function tell_stranger(self, record)
  if self.told[record.name] == record.why then return end
  self.told[record.name] = record.why
  self.agent.host.log.warn("shared: %s writes to %s, too, and is none of this group: %s; what it "
    .. "says is left out (groups that are apart need prefixes that are apart)",
    show.text(record.name), show.text(self.link.prefix), record.why)
end

local function key_of(name) return "members/" .. neap.url.encode(name) end

-- Our own key: ours, that of the agent before this one, or of another balancer with our name.
local function take_own(self, record)
  local was_taken = self.is_taken
  self.is_ours = self.is_ours or (record ~= nil and record.id == self.id)
  self.is_taken = self.is_ours and record ~= nil and record.id ~= self.id
  if was_taken and not record then self:joined() end
end

-- One too many: what is more than a cluster may have is no cluster's.
local function is_full(self, key)
  if self.all[key] or key == self.key or self.count < MEMBERS_MAX then return false end
  if not self.has_told_full then
    self.has_told_full = true
    self.agent.host.log.error("shared: more than %d balancers are at %s: the others are left out",
      MEMBERS_MAX, show.text(self.link.prefix))
  end
  return true
end

function Peers:take(key, text)
  local record = text and read(text) or nil
  if record and is_full(self, key) then return end
  self.count = self.count + (record and 1 or 0) - (self.all[key] and 1 or 0)
  self.version = self.version + 1
  self.all[key] = record
  if key == self.key then return take_own(self, record) end
  if not record then return end
  record.why = strangeness(self, record)
  if record.why then tell_stranger(self, record) else self.told[record.name] = nil end
end

function Peers:took_all(all)
  for key in pairs(self.all) do
    if not all[key] then self:take(key, nil) end
  end
end

function Peers:joined()
  if self.is_taken then return end
  self.link:write(self.key, cjson.encode { name = self.name, id = self.id, cluster = self.cluster,
    pools = self.pools }, true)
end

-- The agent that follows this one at a reload has its name, and this one ends soon.
function Peers:look(now)
  if not self.is_taken then
    self.taken_at = nil
    return
  end
  self.taken_at = self.taken_at or now
  if now - self.taken_at < PATIENCE or self.has_told_name then return end
  self.has_told_name = true
  self.agent.host.log.error("shared: another balancer at %s is called %s, too: give each a name of "
    .. "its own (share.name); until then this one checks for itself", show.text(self.link.prefix),
    show.text(self.name))
end

---@param name string
---@return string? why  it is there, and none of ours
function Peers:strangeness(name)
  local record = self.all[key_of(name)]
  return record and record.why
end

---@return boolean  a balancer of that name lives, is one of ours and has that pool
function Peers:has(name, pool)
  local record = self.all[key_of(name)]
  return record ~= nil and not record.why and has_pool(self, record, pool)
end

local function those_with(self, pool)
  if self.listed_at ~= self.version then self.listed, self.listed_at = {}, self.version end
  local list = self.listed[pool]
  if list then return list end
  list = {}
  for _, key in ipairs(sorted.keys(self.all)) do
    local record = self.all[key]
    if key ~= self.key and not record.why and has_pool(self, record, pool) then
      table.insert(list, { name = record.name, seed = neap.hash(record.name, 0) })
    end
  end
  table.insert(list, { name = self.name, seed = neap.hash(self.name, 0) })
  self.listed[pool] = list
  return list
end

-- Whose turn it is by rendezvous hashing: all that know the same members say the same, and when one
-- goes, only what was its own moves.
---@param pool string
---@param backend string
---@return string name  of one that lives, perhaps this one
function Peers:owner(pool, backend)
  local best, best_weight, word = nil, nil, pool .. "/" .. backend
  for _, one in ipairs(those_with(self, pool)) do
    local weight = neap.hash(word, one.seed)
    if not best or weight > best_weight or (weight == best_weight and one.name < best) then
      best, best_weight = one.name, weight
    end
  end
  return best
end

-- Those that have that pool, this one among them.
---@return string[]
function Peers:names(pool)
  local names = {}
  for i, one in ipairs(those_with(self, pool)) do names[i] = one.name end
  table.sort(names)
  return names
end

-- Those that are there by mistake.
---@return table[]  name, why
function Peers:strangers()
  local list = {}
  for _, key in ipairs(sorted.keys(self.all)) do
    local record = self.all[key]
    if record.why then table.insert(list, { name = record.name, why = record.why }) end
  end
  return list
end

local function new(agent, link, share)
  local name = share.name or files.first_line(HOSTNAME) or "neap"
  return setmetatable({
    agent = agent, link = link, name = name, key = key_of(name), cluster = share.cluster,
    id = ("%.0f"):format(agent.host.random() * 2 ^ 52), pools = pools_of(agent.config),
    all = {}, count = 0, told = {}, version = 0,
  }, Peers)
end

-- The members behind a link.
---@param agent table
---@param link table   (link.lua)
---@param share table  name, cluster: of whoever asks first
---@return table
function peers.of(agent, link, share)
  if not link.peers then
    link.peers = new(agent, link, share)
    link:add("members", link.peers)
  end
  return link.peers
end

return peers
