-- The inside of the runtime that shadow policies have of their own: see neap.shadow.

local current = require "neap.runtime.current"
local dispatch = require "neap.runtime.dispatch"
local ffi = require "neap.ffi"
local pools = require "neap.runtime.pools"
local request = require "neap.runtime.request"
local runtime = require "neap.runtime"
local sandbox = require "neap.runtime.sandbox"
local show = require "neap.config.show"
local wait = require "neap.runtime.wait"

local state, decide = current.state, dispatch.decide
local uncounted = ffi.new("uint64_t[?]", ffi.numbers.NEAP_BOARD_COUNTED)

local inside = {}

local SHADOW_ID = require("neap.hooks").ids.shadow
local VALUES_MAX = 1000

function wait.check(what) error(what .. ": a shadow may not wait", 3) end

-- The plain data that the real hooks put into request.ctx; values with methods belong to the real
-- side.
local PLAIN = { string = true, number = true, boolean = true }

local function copy_of(from, seen)
  local to = {}
  seen[from] = to
  for key, value in next, from do
    seen.n = seen.n + 1
    if seen.n > VALUES_MAX then break end
    if type(value) == "table" then value = seen[value] or copy_of(value, seen) end
    if PLAIN[type(key)] and (PLAIN[type(value)] or type(value) == "table") then to[key] = value end
  end
  return to
end

-- The part of the pool that the real `backends` chose.
local function same_part(view, filters)
  if not filters then return view end
  return same_part(view, filters[3]):where(filters[1], filters[2])
end

local last -- the request that something may be kept of

local function prepare(r, record, real)
  if last then request.kept[last] = nil end
  last = tonumber(r.id)
  local entry = r.has_state == 1 and real.kept[last] or {}
  r.has_state = 0
  local view = pools.view(record)
  if entry.view then view = same_part(view, real.info(entry.view).filters) end
  if entry.ctx then request.keep(r).ctx = copy_of(entry.ctx, { n = 0 }) end
  return view
end

local function entry_of(picks, about, real)
  return function(slot)
    local r = state.request
    about.slot = slot
    r.slot = -1
    local record = pools.record(r.pool)
    local view = prepare(r, record, real)
    state.hook[0] = r.service * 256 + SHADOW_ID
    return decide(r, record, view, picks[r.pool], uncounted, 0)
  end
end

-- By index of a pool.
local function resolve_all(config, errors)
  local picks = {}
  local default = require("neap.policy.round_robin").pick
  for i, pool in ipairs(config.pools) do
    if pool.shadow then
      local hooks, why = runtime.resolve(pool.shadow, pool.shadow_path)
      if why then table.insert(errors, { key = show.path(pool.key, "shadow"), text = why }) end
      picks[i - 1] = hooks and hooks.pick or default
    end
  end
  return picks
end

---@param path string
---@param about table  of neap.shadow
---@param real table
---@return function? entry
---@return {key: string, text: string}[] errors
function inside.build(path, about, real)
  local config, why = runtime.load(path)
  if not config then
    return nil, { { key = "", text = "evaluated once more, for the shadows in it: " .. why } }
  end
  local errors = {}
  pools.build(config.pools)
  local picks = resolve_all(config, errors)
  sandbox.close_loading()
  about.is_loading = false
  if #errors > 0 then return nil, errors end
  return entry_of(picks, about, real), errors
end

return inside
