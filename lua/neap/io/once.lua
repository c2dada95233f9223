-- neap.once: what many hooks want to know at the same time is asked for once. It is asked in a task
-- of its own, so it does not matter which of them leave.

local ffi = require "neap.ffi"
local log = require "neap.runtime.log"
local show = require "neap.config.show"
local tasks = require "neap.runtime.tasks"
local wait = require "neap.runtime.wait"

local C = ffi.C

local once = {}

local KEYS_MAX, KEY_BYTES_MAX = 10000, 1024
local LIMIT = 5 -- seconds, as of a hook
local OPTIONS = { negative_ttl = true, timeout = true }

local entries = {} -- key → { key, value or why, due } of the last answer, or a run without `due`
local order, first, last = {}, 1, 0 -- the entries as they came
local runs, told = 0, 0

local function seconds(value, what)
  if type(value) ~= "number" or value ~= value or value < 0 then
    error(("neap.once: %s must be a number of seconds from 0 on, and this is %s")
      :format(what, show.value(value)), 3)
  end
end

local function check(key, ttl, fn, options)
  if type(key) ~= "string" or #key > KEY_BYTES_MAX then
    error(("neap.once(key, ttl, fn): key must be a text of at most %d bytes"):format(KEY_BYTES_MAX),
      3)
  end
  seconds(ttl, "ttl")
  if type(fn) ~= "function" then
    error("neap.once(key, ttl, fn): fn must be a function, and this is " .. show.value(fn), 3)
  end
  if options ~= nil and type(options) ~= "table" then
    error("neap.once: the options must be a table, and these are " .. show.value(options), 3)
  end
  for name, value in pairs(options or {}) do
    if not OPTIONS[name] then error("neap.once: unknown option " .. show.value(name), 3) end
    seconds(value, name)
  end
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

-- Asks, and tells those who wait.
local function begin(key, ttl, fn, options)
  runs = runs + 1
  local entry, negative = { key = key, event = runs }, options and options.negative_ttl or 0
  remember(entry)
  local function ask()
    local value, why = fn()
    if value ~= nil then why = nil end
    settle(entry, why == nil and ttl or negative, value, why)
  end
  local function on_end(ok, reason)
    if ok then return end
    settle(entry, negative, nil, tostring(reason))
    tell(entry)
  end
  local limit = options and options.timeout or LIMIT
  if not tasks.spawn(ask, limit, on_end) then settle(entry, 0, nil, "no memory") end
  return entry
end

local function await(entry)
  while not entry.due do
    local ok, why = wait.done(C.neap_wait_event(entry.event, 0))
    if not ok then return nil, why end
  end
  return entry.value, entry.why
end

-- The value of fn(), or nil and why; from this worker's memory while it is younger than ttl.
---@param key string
---@param ttl number  seconds
---@param fn fun(): any, string?  may wait; in a task of its own, outside of any request
---@param options table?  negative_ttl: seconds for which a failure is remembered (0); timeout:
---  seconds that fn may take (5)
---@return any value, string? why
function once.call(key, ttl, fn, options)
  check(key, ttl, fn, options)
  local entry = entries[key]
  if entry and entry.due and entry.due > C.neap_clock() then return entry.value, entry.why end
  wait.check "neap.once"
  if not entry or entry.due then entry = begin(key, ttl, fn, options) end
  return await(entry)
end

return once
