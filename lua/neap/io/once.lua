-- neap.once: what many hooks want to know at the same time is asked for once. It is asked in a task
-- of its own, so it does not matter which of them leave.

local ffi = require "neap.ffi"
local lease = require "neap.io.lease"
local log = require "neap.runtime.log"
local naming = require "neap.config.naming"
local show = require "neap.config.show"
local tasks = require "neap.runtime.tasks"
local wait = require "neap.runtime.wait"

local C = ffi.C

local once = {}

local KEYS_MAX, KEY_BYTES_MAX = 10000, 1024
local LIMIT = 5 -- seconds, as of a hook
local OPTIONS = { negative_ttl = "number", timeout = "number", store = "string" }
local POLL_FIRST, POLL_LAST = 0.002, 0.05 -- seconds between two looks at a store

local entries = {} -- key → { key, value or why, due } of the last answer, or a run without `due`
local order, first, last = {}, 1, 0 -- the entries as they came
local runs, told = 0, 0

local function fail(text, ...) error(("neap.once" .. text):format(...), 0) end

local function check_seconds(value, what)
  if value ~= value or value < 0 then
    fail(": %s must be a number of seconds from 0 on, and this is %s", what, show.value(value))
  end
end

local function check_options(options)
  if type(options) ~= "table" then
    fail(": the options must be a table, and these are %s", show.value(options))
  end
  local fault = naming.fault(options, OPTIONS)
  if fault then fail(": %s", fault) end
  check_seconds(options.negative_ttl or 0, "negative_ttl")
  check_seconds(options.timeout or 0, "timeout")
end

local function check(key, ttl, fn, options)
  if type(key) ~= "string" or #key > KEY_BYTES_MAX then
    fail("(key, ttl, fn): key must be a text of at most %d bytes, and this is %s", KEY_BYTES_MAX,
      type(key) == "string" and ("one of %d"):format(#key) or show.value(key))
  end
  if type(ttl) ~= "number" then
    fail("(key, ttl, fn): ttl must be a number of seconds, and this is %s", show.value(ttl))
  end
  check_seconds(ttl, "ttl")
  if type(fn) ~= "function" then
    fail("(key, ttl, fn): fn must be a function, and this is %s", show.value(fn))
  end
  if options == nil then return nil end
  check_options(options)
  if options.store == nil then return nil end
  local store, why = lease.store(options.store)
  if not store then fail(": store: %s", why) end
  return store
end

local function is_dead(entry)
  return entries[entry.key] ~= entry or entry.due and entry.due <= C.neap_clock()
end

-- What is over goes, and the eldest when there are too many.
local function make_room()
  while first <= last and (is_dead(order[first]) or last - first + 1 >= KEYS_MAX) do
    local entry = order[first]
    if entries[entry.key] == entry then entries[entry.key] = nil end
    order[first] = nil
    first = first + 1
  end
end

local function remember(entry)
  make_room()
  last = last + 1
  order[last], entries[entry.key] = entry, entry
end

-- At most once a second: a server that is away would fill the log.
local function tell(entry)
  local now = C.neap_clock()
  if now - told < 1 then return end
  told = now
  log.error("neap.once '%s': %s", entry.key, entry.why)
end

local function settle(entry, ttl, value, why)
  entry.value, entry.why = value, why
  entry.due = C.neap_clock() + ttl
  if ttl <= 0 and entries[entry.key] == entry then entries[entry.key] = nil end
  C.neap_announce(entry.event)
end

-- Asks, in a task of its own; on_answer(ttl, value, why) gets what came of it.
local function ask(asked, on_answer)
  local negative = asked.options.negative_ttl or 0
  local function run()
    local value, why = asked.fn()
    if value ~= nil then why = nil end
    on_answer(why == nil and asked.ttl or negative, value, why)
  end
  local function on_end(ok, reason)
    if ok then return end
    on_answer(negative, nil, tostring(reason))
    tell(asked.entry)
  end
  local limit = asked.options.timeout or LIMIT
  if not tasks.spawn(run, limit, on_end) then on_answer(0, nil, "no memory") end
end

local function ask_alone(asked)
  ask(asked, function(ttl, value, why) settle(asked.entry, ttl, value, why) end)
end

-- While it is asked, the lease is ours.
local function keep_lease(asked, store, token)
  tasks.spawn(function()
    while not asked.entry.due do
      wait.sleep(lease.RENEWAL)
      if asked.entry.due or not lease.renew(store, asked.key, token) then return end
    end
  end, (asked.options.timeout or LIMIT) + lease.SECONDS)
end

local function tell_of_store(asked, why)
  asked.entry.why = "the store does not take it: " .. tostring(why)
  tell(asked.entry)
end

-- What the store has no room for, the hooks of this worker have all the same.
local function give(asked, store, token, ttl, value, why)
  if value ~= nil and not lease.holds(value) then
    value, why = nil, ("a %s cannot be stored (expected a string, number or boolean)")
      :format(type(value))
  end
  local ok, reason = lease.give(store, asked.key, ttl, value, why)
  if not ok then
    lease.drop(store, asked.key, token)
    tell_of_store(asked, reason)
  end
  settle(asked.entry, 0, value, why)
end

local function ask_as_holder(asked, store, token)
  ask(asked, function(ttl, value, why) give(asked, store, token, ttl, value, why) end)
  keep_lease(asked, store, token)
end

-- Looks until the answer is there, or asks when it is our turn.
local function look(asked, store)
  local pause = POLL_FIRST
  while true do
    local is_there, value, why = lease.read(store, asked.key)
    if is_there then return settle(asked.entry, 0, value, why) end
    local token, reason = lease.take(store, asked.key)
    if token then return ask_as_holder(asked, store, token) end
    if reason ~= "exists" then
      tell_of_store(asked, reason)
      return ask_alone(asked)
    end
    wait.sleep(pause)
    pause = math.min(pause * 2, POLL_LAST)
  end
end

local function ask_together(asked, store)
  local limit = (asked.options.timeout or LIMIT) + lease.SECONDS
  local function on_end(ok, reason)
    if not ok then settle(asked.entry, 0, nil, tostring(reason)) end
  end
  local function run() look(asked, store) end
  if not tasks.spawn(run, limit, on_end) then settle(asked.entry, 0, nil, "no memory") end
end

-- Asks, and tells those who wait.
local function begin(id, asked, store)
  runs = runs + 1
  asked.entry = { key = id, event = runs }
  remember(asked.entry)
  if store then ask_together(asked, store) else ask_alone(asked) end
  return asked.entry
end

local function await(entry)
  while not entry.due do
    local ok, why = wait.done(C.neap_wait_event(entry.event, 0))
    if not ok then return nil, why end
  end
  return entry.value, entry.why
end

local NONE = {}

local function find(key, ttl, fn, options, store)
  local id = key
  if store then
    local is_there, value, why = lease.read(store, key)
    if is_there then return value, why end
    id = options.store .. "/" .. key
  end
  local entry = entries[id]
  if entry and entry.due and entry.due > C.neap_clock() then return entry.value, entry.why end
  wait.check("neap.once", 4)
  if not entry or entry.due then
    entry = begin(id, { key = key, ttl = ttl, fn = fn, options = options or NONE }, store)
  end
  return await(entry)
end

-- The value of fn(), or nil and why; from this worker's memory, or from a store of all workers,
-- while it is younger than ttl.
---@param key string
---@param ttl number  seconds
---@param fn fun(): any, string?  may wait; in a task of its own, outside of any request
---@param options table?  negative_ttl: seconds for which a failure is remembered (0); timeout:
---  seconds that fn may take (5); store: the name of one of neap.shared
---@return any value, string? why
function once.call(key, ttl, fn, options)
  local ok, store = pcall(check, key, ttl, fn, options)
  if not ok then error(store, 2) end
  local value, why = find(key, ttl, fn, options, store)
  return value, why
end

return once
