-- The `pool` objects: plain arrays of the backends that may serve now, made anew when the pool's
-- version on the board has changed, with their methods behind. Views (`pool:where`) are the same.

local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local counters = require "neap.runtime.counters"
local nearest = require "neap.config.nearest"
local order = require "neap.runtime.order"
local ramp = require "neap.runtime.ramp"
local view_kind = require "neap.runtime.view"

local C, needs_colon = ffi.C, view_kind.needs_colon
local at = backends.at

local pools = {}

local WHERE_MAX = 256
local EAGER_MAX = 256 -- of larger pools texts are read when they are asked for
local UNKNOWN_OR_UP, DRAIN = 1, 3

local records = {} -- by index into the config's pools, from 0
local by_name = {}
local info = setmetatable({}, { __mode = "k" }) -- view → { record, tier, filters, slots, … }

local function needs_integer(what, value)
  if type(value) ~= "number" or value < 1 or value % 1 ~= 0 then
    error(("%s must be an integer above 0"):format(what), 3)
  end
end

-- What info keeps for the methods written in C, made at their first use. They read n of each: a
-- policy may have changed the array.
local function slots_of(view, n)
  local entry = info[view]
  if entry.slots_n ~= n then
    local slots, weights = ffi.new("int32_t[?]", n), ffi.new("uint32_t[?]", n)
    for i = 1, n do slots[i - 1], weights[i - 1] = view[i].slot, at[view[i].slot].weight end
    entry.slots, entry.ids, entry.weights, entry.slots_n = slots, nil, weights, n
  end
  return entry
end

local function ids_of(entry, n)
  local ids = ffi.new("double[?]", n)
  C.neap_pool_ids(entry.slots, n, ids)
  entry.ids = ids
  return ids
end

local function weights_of(list)
  local weights = {}
  for i = 1, #list do weights[i] = at[list[i].slot].weight end
  return weights
end

-- The weighted order, made when it is first asked for.
local function order_of(view)
  local list = view.order
  if list then return list end
  list = order.make(view, weights_of(view))
  info[view].class.order = list
  return list
end

local methods = {}

function methods.round_robin(view)
  if type(view) ~= "table" then needs_colon("pool", "round_robin") end
  local list = view.order or order_of(view)
  return list[view.turns(view.turn):next() % #list + 1]
end

-- The one with the fewest requests in flight for its weight; equal ones take turns.
function methods.least_loaded(view)
  if type(view) ~= "table" then needs_colon("pool", "least_loaded") end
  local n = #view
  if n == 0 then return nil end
  local entry = slots_of(view, n)
  return view[C.neap_pool_least_loaded(entry.slots, entry.weights, n, 0) + 1]
end

-- One at random, by weight; of n such the least loaded.
function methods.random(view, n)
  if type(view) ~= "table" then needs_colon("pool", "random") end
  local list = view.order or order_of(view)
  local best = list[math.floor(C.neap_random() * #list) + 1]
  if n == nil or not best then return best end
  needs_integer("random(n): n", n)
  for _ = 2, n do
    local other = list[math.floor(C.neap_random() * #list) + 1]
    if other.inflight * best.weight < best.inflight * other.weight then best = other end
  end
  return best
end

-- The same one for the same key, whichever others come and go (rendezvous hashing, by weight).
function methods.hash(view, key)
  if type(view) ~= "table" then needs_colon("pool", "hash") end
  if type(key) == "number" then key = tostring(key) end
  if type(key) ~= "string" then
    error(("hash(key): key must be a string, not %s"):format(type(key)), 2)
  end
  local n = #view
  if n == 0 then return nil end
  local entry = slots_of(view, n)
  local ids = entry.ids or ids_of(entry, n)
  return view[C.neap_pool_hash(entry.weights, ids, n, key, #key) + 1]
end

function methods.first(view)
  if type(view) ~= "table" then needs_colon("pool", "first") end
  return view[1]
end

-- Gets nothing new, but serves those who stay with it: it drains, or weighs nothing.
local function is_kept_only(row)
  return row.state == DRAIN or (row.weight == 0 and row.state <= UNKNOWN_OR_UP)
end

-- The pool's member of that name, remembered once it was asked for.
local function member_of(record, name)
  if type(name) ~= "string" or record.board < 0 then return nil end
  local slot = C.neap_pool_find_name(record.board, name, #name)
  local b = record.by_slot[slot]
  record.by_name[name] = b
  return b
end

-- The one of that name if it may serve, or drains (for those who stay with it).
function methods.find(view, name)
  if type(view) ~= "table" then needs_colon("pool", "find") end
  local record = info[view].record
  local b = record.by_name[name] or member_of(record, name)
  if not b then return nil end
  if is_kept_only(at[b.slot]) then return b end
  for i = 1, #view do
    if view[i] == b then return b end
  end
  return nil
end

local FIELDS = { name = true, host = true, port = true, zone = true, state = true, weight = true }

local function matches(b, field, value)
  if FIELDS[field] then return b[field] == value end
  local tags = b.tags
  return tags ~= nil and tags[field] == value
end

local new_view

local function narrowed(view, field, value)
  local entry = info[view]
  local filters = { field, value, entry.filters }
  local list = {}
  for i = 1, #view do
    if matches(view[i], field, value) then table.insert(list, view[i]) end
  end
  return new_view(entry.record, list, entry.tier, filters)
end

-- The part of it whose field, or tag, has that value.
function methods.where(view, field, value)
  if type(view) ~= "table" then needs_colon("pool", "where") end
  if type(field) ~= "string" then error("where(field, value): field must be a string", 2) end
  local entry = info[view]
  local cache = entry.where
  if not cache or entry.where_n >= WHERE_MAX then
    cache, entry.where_n = {}, 0
    entry.where = cache
  end
  local of_field = cache[field]
  if not of_field then
    of_field = {}
    cache[field] = of_field
  end
  if value == nil then return narrowed(view, field, value) end
  local found = of_field[value]
  if not found or #found ~= info[found].n then
    found = narrowed(view, field, value)
    of_field[value] = found
    entry.where_n = entry.where_n + 1
  end
  return found
end

-- The name of a view's turn. Each part of a pool has its own: were it shared, requests that come to
-- two parts by turns would always meet the same backends in each.
local function turn_of(list, filters)
  if #list < 2 then return "turn" end
  local parts = { "turn" }
  while filters do
    table.insert(parts, filters[1] .. "=" .. tostring(filters[2]))
    filters = filters[3]
  end
  return table.concat(parts, "\30")
end

local FIXED = { name = true, options = true, all = true, counter = true }

-- Past its end a pool reads nil, as lists do; a name that it does not have is a mistake.
local strict = {
  __index = function(_, key)
    if type(key) ~= "number" then view_kind.unknown("pool", key, FIXED, methods) end
  end,
}

local slow = ramp.methods(methods, info, order_of, slots_of)

-- The class of one view: all that is reached through it by name.
local function class_of(record, list, filters, ramping)
  local class = {}
  for name, method in pairs(methods) do class[name] = ramping and slow[name] or method end
  class.counter, class.turns = record.counter, record.turns
  class.name = record.name
  class.options = record.options
  class.all = record.all
  class.order = false -- until it is asked for
  class.turn = turn_of(list, filters)
  return setmetatable(class, strict)
end

function new_view(record, list, tier, filters)
  local ramping = record.slow_start and ramp.of(list, record.slow_start)
  local class = class_of(record, list, filters, ramping)
  info[list] = {
    record = record, tier = tier, filters = filters, n = #list, class = class, ramp = ramping,
  }
  return setmetatable(list, { __index = class, __metatable = false })
end

-- Of a list, those of the lowest tier that has any; and that tier.
local function lowest_tier(list)
  local lowest
  for i = 1, #list do
    local tier = at[list[i].slot].tier
    if not lowest or tier < lowest then lowest = tier end
  end
  local result = {}
  for i = 1, #list do
    if at[list[i].slot].tier == lowest then table.insert(result, list[i]) end
  end
  return result, lowest or 0
end

local scan = ffi.new "neap_scan"

local function read_members(record)
  local all, by_slot = {}, {}
  for i = 0, scan.n - 1 do
    local slot = scan.slots[i]
    local b = backends.refreshed(slot, scan.epochs[i], scan.texts[i])
    all[i + 1], by_slot[slot] = b, b
  end
  if scan.n <= EAGER_MAX then backends.read(all) end
  record.all, record.by_slot, record.by_name = all, by_slot, {}
  record.print_low, record.print_high = scan.print_low, scan.print_high
end

local function refresh(record)
  record.seen = record.version[0]
  C.neap_pool_scan(record.board, record.panic, scan)
  if scan.print_low ~= record.print_low or scan.print_high ~= record.print_high then
    read_members(record)
  end
  local list, all = {}, record.all
  for i = 0, scan.live - 1 do list[i + 1] = all[scan.serving[i] + 1] end
  record.has_slots, record.panics = scan.has_slots == 1, scan.panics == 1
  record.tier = #list > 0 and scan.tier or 0
  record.view, record.n = new_view(record, list, record.tier), #list
end

-- The agent publishes pools; until then one is empty.
local function attach(record)
  local pool = C.neap_pool_find(record.name, #record.name)
  if pool < 0 then return false end
  record.board, record.version = pool, C.neap_pool_version(pool)
  return true
end

---@return table  -- the view of all that may serve now
function pools.view(record)
  local version = record.version
  if version == nil then
    if not attach(record) then return record.view end
    version = record.version
  end
  -- A policy that took backends out of the array has done so for its own request only.
  if version[0] ~= record.seen or #record.view ~= record.n then refresh(record) end
  return record.view
end

local function is_tried(r, slot)
  for i = 0, r.tried_n - 1 do
    if r.tried[i] == slot then return true end
  end
  return false
end

local function has_room(b)
  local slots = at[b.slot].slots
  return slots == 0 or C.neap_slot_inflight(b.slot) < slots
end
pools.has_room = has_room

-- A hook that failed may have put something else into the array: the next one gets it anew.
function pools.mend(record)
  local view = record.view
  for i = 1, #view do
    if not ffi.istype(backends.type, view[i]) then
      record.seen = nil
      return
    end
  end
end

-- Is it one of this view?
---@return boolean
function pools.holds(view, b)
  for i = 1, #view do
    if view[i] == b then return true end
  end
  return false
end

function pools.any_is_full(view)
  for i = 1, #view do
    if not has_room(view[i]) then return true end
  end
  return false
end

local function passes(b, filters)
  while filters do
    if not matches(b, filters[1], filters[2]) then return false end
    filters = filters[3]
  end
  return true
end

local left = ffi.new "neap_left"

local function is_of(b, filters)
  return b ~= nil and at[b.slot].epoch == b.epoch and passes(b, filters)
end

-- The last `full` of what is left have no free slot.
local function any_full_is_of(record, filters)
  local last = ffi.sizeof(left.slots) / 4
  for i = last - left.full, last - 1 do
    if is_of(record.by_slot[left.slots[i]], filters) then return true end
  end
  return false
end

-- What of a view a request may still use: not tried, with a free slot, of the lowest tier that is
-- left. The second value says whether some were left out only because they are full.
---@return table view, boolean is_full
function pools.narrow(view, r)
  local entry = info[view]
  local record, filters, list = entry.record, entry.filters, {}
  pools.view(record)
  if record.board < 0 then return new_view(record, list, 0, filters), false end
  C.neap_pool_left(record.board, record.panics and 1 or 0, record.tier, r.tried, r.tried_n, left)
  local by_slot, n = record.by_slot, 0
  for i = 0, left.n - 1 do
    local b = by_slot[left.slots[i]]
    if is_of(b, filters) then
      n = n + 1
      list[n] = b
    end
  end
  local is_full, tier = any_full_is_of(record, filters), left.lowest
  if left.n == 0 or left.lowest ~= left.highest then list, tier = lowest_tier(list) end
  return new_view(record, list, tier, filters), is_full
end

-- May this request go to what a hook picked, if it has a free slot?
---@return boolean
function pools.is_eligible(b, record, tier, r)
  local row = at[b.slot]
  if row.epoch ~= b.epoch or row.pool ~= record.board then return false end
  if row.state > UNKNOWN_OR_UP and row.state ~= DRAIN and not record.panics then return false end
  if row.tier ~= tier and not is_kept_only(row) then return false end
  return r.tried_n == 0 or not is_tried(r, b.slot)
end

-- Why nothing of it may serve.
---@return string
function pools.why_empty(record)
  local drain, weightless = 0, 0
  for _, b in ipairs(record.all) do
    local row = at[b.slot]
    if row.state == DRAIN then
      drain = drain + 1
    elseif row.state <= UNKNOWN_OR_UP and row.weight == 0 then
      weightless = weightless + 1
    end
  end
  if #record.all == 0 then return "the pool is empty" end
  if drain == #record.all then return "all backends drain" end
  if weightless > 0 then return "no backend is up that has a weight above 0" end
  return "no backend is up"
end

-- nil when it is no pool's view.
function pools.info(view) return info[view] end
function pools.record(index) return records[index] end

local function is_known(name)
  if by_name[name] then return by_name[name] end
  local names = {}
  for known in pairs(by_name) do table.insert(names, known) end
  table.sort(names)
  if #names == 0 then error("neap.pool: pools are there once the config is read", 3) end
  local near = type(name) == "string" and nearest.find(name, names)
  error(("no pool '%s'%s"):format(tostring(name),
    near and ("; did you mean '%s'?"):format(near) or ""), 3)
end

function pools.by_name(name) return pools.view(is_known(name)) end

local OPTIONS = {
  "health", "discover", "keepalive", "retry", "queue", "timeouts", "slow_start", "eject", "panic",
}

local function options_of(config)
  local options = {}
  for _, key in ipairs(OPTIONS) do options[key] = config[key] end
  return options
end

---@param configs table[]  config.pools
function pools.build(configs)
  for i, config in ipairs(configs) do
    local record = { name = config.name, index = i - 1, board = -1, all = {} }
    record.by_slot, record.by_name = {}, {}
    record.slow_start, record.panic = config.slow_start or nil, config.panic or 0
    record.options = options_of(config)
    record.counter, record.turns = counters.of_pool(config.name), counters.turns_of(config.name)
    record.turns "turn" -- before policies can use up the board's counters
    record.view = new_view(record, {}, 0)
    record.tier = 0
    records[i - 1] = record
    by_name[config.name] = record
  end
end

return pools
