-- What happened lately, for the admin side: changes of backends and of processes, what a person
-- changed, hooks that err.

local events = {}
local Events = {}
Events.__index = Events

local KEPT = 100
local HOOKS_MAX = require("neap.ffi").numbers.NEAP_BOARD_HOOKS
local LOOK_EVERY = 1 -- seconds

---@param host table  now()
---@param wall_ms fun(): number
function events.new(host, wall_ms)
  return setmetatable({ host = host, wall_ms = wall_ms, list = {}, count = 0, due = 0 }, Events)
end

---@param kind string  "state", "change", "worker", "hook"
---@param level string  "info", "warn", "error"
function Events:add(kind, level, text, more)
  self.count = self.count + 1
  local event = more or {}
  event.number, event.time = self.count, self.wall_ms() / 1000
  event.kind, event.level, event.text = kind, level, text
  table.insert(self.list, event)
  if #self.list > KEPT then table.remove(self.list, 1) end
end

local function look_at_workers(self, counts)
  for slot = 0, 63 do
    local worker = counts.worker(slot)
    if not worker then break end
    local before = self.starts[slot]
    if before and worker.starts > before then
      self:add("worker", "error", ("worker %d was replaced by process %d"):format(slot, worker.pid))
    end
    self.starts[slot] = worker.starts
  end
end

local function each_hook(counts, services, fn)
  for i, service in ipairs(services) do
    for hook, name in pairs(counts.hooks) do
      fn(i * HOOKS_MAX + hook, service, name, counts.hook(i - 1, hook))
    end
  end
end

-- What agents before this one have reported.
local function errors_so_far(counts, services)
  local errors_of = {}
  each_hook(counts, services, function(key, _, _, errors) errors_of[key] = errors end)
  return errors_of
end

local function look_at_hooks(self, counts, services)
  each_hook(counts, services, function(key, service, name, errors, _, is_tripped)
    if errors > (self.errors[key] or 0) then
      self:add("hook", "error", ("hook %s of service %s erred (%d %s since the start)%s")
        :format(name, service.name, errors, errors == 1 and "time" or "times",
          is_tripped and "; it is left out for now" or ""))
    end
    self.errors[key] = errors
  end)
end

-- To be called often; looks once per second.
---@param counts table  neap.admin.counts
---@param services table[]  of the config
function Events:look(counts, services)
  local now = self.host.now()
  if now < self.due then return end
  self.due = now + LOOK_EVERY
  self.starts, self.errors = self.starts or {}, self.errors or errors_so_far(counts, services)
  look_at_workers(self, counts)
  look_at_hooks(self, counts, services)
end

return events
