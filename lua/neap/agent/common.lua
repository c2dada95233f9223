-- Stores that several balancers have in common (`store = "redis"`): each has its own, and here they
-- are brought together, in the background. Requests wait for none of it.

local ffi = require "neap.ffi"
local leases = require "neap.agent.leases"
local redis_link = require "neap.agent.redis_link"
local neap = require "neap"
local values = require "neap.agent.values"

local C = ffi.C

local common = {}

local AGAIN = 1 -- seconds until a coroutine that ended is begun again

local function exchange(self)
  local commands = leases.commands(self) or {}
  local of_leases = #commands
  values.add_commands(self, commands)
  local replies, why = self:ask(commands)
  if not replies then return nil, why end
  local ok
  ok, why = leases.settle(self, replies, of_leases)
  if not ok then return nil, why end
  return values.take_replies(self, replies)
end

local function round(self)
  local ok, why = exchange(self)
  if ok then return self:answers() end
  leases.failed(self)
  self:fails(why)
end

local function run(self)
  while true do
    round(self)
    neap.sleep(self.has_more and 0 or self:pause())
  end
end

local function start(self)
  self.is_running = true
  local function ended(ok, why)
    self.is_running = false
    if not ok then self:fails(tostring(why)) end
  end
  local task = self.host.spawn(function() run(self) end, ended, true)
  if not task then ended(false, "out of memory") end
end

---@param host table
---@param stores table[]  config.shared
---@return table<integer, table>  by the store's place in the config
function common.begin(host, stores)
  local links = {}
  for i, store in ipairs(stores) do
    if store.redis then
      links[i] = redis_link.new(host, store, i - 1)
      leases.begin(links[i])
      values.begin(links[i])
    else
      C.neap_lease_share(i - 1, 0, 0)
    end
  end
  return links
end

-- With each tick.
function common.look(links, now)
  for _, one in pairs(links) do
    if not one.is_running and now >= one.due then
      one.due = now + AGAIN
      start(one)
    end
  end
end

return common
