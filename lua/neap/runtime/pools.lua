-- The `pool` objects: arrays of the backends that may serve now, made anew when the pool's version
-- on the board has changed. Views (`pool:where`) are made in the same way. neap itself does not use
-- the arrays, which hooks may have changed, but the content in part.lua.

local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local choose = require "neap.runtime.choose"
local counters = require "neap.runtime.counters"
local nearest = require "neap.config.nearest"
local part = require "neap.runtime.part"
local ramp = require "neap.runtime.ramp"
local scratch = require "neap.runtime.scratch"
local seal = require "neap.runtime.seal"
local serve = require "neap.runtime.serve"
local view_kind = require "neap.runtime.view"
local sorted = require "neap.sorted"

local C, needs_colon = ffi.C, view_kind.needs_colon
local scan, left = scratch.scan, scratch.left
local at = backends.at
local may_serve, is_kept_only = serve.may, serve.is_kept_only
local new_view, behind, info_of = part.new, part.behind, part.of

local pools = {}

local WHERE_MAX = 256
local EAGER_MAX = 256 -- texts of larger pools are read when they are asked for

local records = {} -- by index into the config's pools, from 0
local by_name = {}

-- Do hooks of users get the arrays? Then each is compared with its true content before it is handed
-- out.
local is_exposed = false
function pools.expose() is_exposed = true end

local methods = {}
for name, method in pairs(choose) do methods[name] = method end

-- Its members by slot; needed only by requests that were tried, and to find names.
local function by_slot(record)
  local map = record.by_slot
  if map then return map end
  map = {}
  for _, b in ipairs(record.all) do map[b.slot] = b end
  record.by_slot = map
  return map
end

-- The pool's member of that name, remembered once it was asked for.
local function member_of(record, name)
  if type(name) ~= "string" or record.board < 0 then return nil end
  local slot = C.neap_pool_find_name(record.board, name, #name)
  local b = by_slot(record)[slot]
  record.by_name[name] = b
  return b
end

-- The backend of that name if it may serve, or drains (for clients that stay with it).
function methods.find(view, name)
  local entry = behind(view) or needs_colon("pool", "find")
  local record, list = entry.record, entry.list
  local b = record.by_name[name] or member_of(record, name)
  if not b then return nil end
  if is_kept_only(at[b.slot]) then return b end
  for i = 1, #list do
    if list[i] == b then return b end
  end
  return nil
end

local FIELDS = { name = true, host = true, port = true, zone = true, state = true, weight = true }

local function matches(b, field, value)
  if FIELDS[field] then return b[field] == value end
  return backends.tag(b, field) == value
end

local function narrowed(entry, field, value)
  local list = {}
  for i = 1, entry.n do
    if matches(entry.list[i], field, value) then table.insert(list, entry.list[i]) end
  end
  return new_view(entry.record, list, entry.tier, { field, value, entry.filters })
end

-- The parts that were made by that field before; values have no bound, so the parts are forgotten
-- at times.
local function made_by(entry, field)
  if not entry.where or entry.where_n >= WHERE_MAX then entry.where, entry.where_n = {}, 0 end
  local of_field = entry.where[field]
  if not of_field then
    of_field = {}
    entry.where[field] = of_field
  end
  return of_field
end

-- The part of it whose field, or tag, has that value.
function methods.where(view, field, value)
  local entry = behind(view) or needs_colon("pool", "where")
  if type(field) ~= "string" then error("where(field, value): field must be a string", 2) end
  if value == nil or value ~= value then return narrowed(entry, field, value) end
  local made = made_by(entry, field)
  local found = made[value]
  if not found or (is_exposed and not part.is_whole(found, info_of(found))) then
    found = narrowed(entry, field, value)
    made[value] = found
    entry.where_n = entry.where_n + 1
  end
  return found
end

local FIXED = { name = true, options = true, all = true, counter = true }

local function copy_of(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = copy_of(item) end
  return copy
end

local members = seal.class("pool.all", {})

-- The list of all members: always the same one, as long as they are the same and nobody changed it.
local function all_of(record)
  local shown = record.shown
  if shown and (not is_exposed or part.is_whole(shown.array, shown)) then return shown.array end
  shown = { list = record.all, array = {} }
  for i, b in ipairs(record.all) do shown.array[i] = b end
  seal.guard(shown.array)
  setmetatable(shown.array, members)
  record.shown = shown
  return shown.array
end

-- The fields of a pool that are no methods. Past its end a pool reads nil, as lists do; a name that
-- it does not have is an error.
local function fields_of(record)
  return function(_, key)
    if key == "all" then return all_of(record) end
    if key == "options" then return copy_of(record.options) end
    if type(key) ~= "number" then view_kind.unknown("pool", key, FIXED, methods) end
  end
end

-- What a pool object has by name; `slow`: methods that replace the others.
local function class_of(record, slow)
  local class = { name = record.name, counter = record.counter }
  for name, method in pairs(methods) do class[name] = slow and slow[name] or method end
  setmetatable(class, { __index = fields_of(record) })
  return seal.class("pool", class)
end

local slow_methods = ramp.methods(choose, part)

-- The backends of a list in the lowest tier that has any, and that tier.
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

local function read_members(record)
  local all = {}
  for i = 0, scan.n - 1 do
    all[i + 1] = backends.refreshed(scan.slots[i], scan.epochs[i], scan.texts[i])
  end
  if scan.n <= EAGER_MAX then backends.read(all) end
  record.all, record.shown, record.by_slot, record.by_name = all, nil, nil, {}
  record.print_low, record.print_high = scan.print_low, scan.print_high
end

-- Those that may serve; mostly all do.
local function serving_of(all)
  if scan.live == scan.n then return all end
  local list = {}
  for i = 0, scan.live - 1 do list[i + 1] = all[scan.serving[i] + 1] end
  return list
end

local function refresh(record)
  local version = record.version[0]
  C.neap_pool_scan(record.board, record.panic, scan)
  if scan.print_low ~= record.print_low or scan.print_high ~= record.print_high then
    read_members(record)
  end
  local list = serving_of(record.all)
  record.has_slots, record.panics = scan.has_slots == 1, scan.panics == 1
  record.tier = #list > 0 and scan.tier or 0
  record.view = new_view(record, list, record.tier)
  record.seen = version -- set last: if anything before errs, all is done again
end

-- The agent publishes pools; until then one is empty.
local function attach(record)
  local pool = C.neap_pool_find(record.name, #record.name)
  if pool < 0 then return false end
  record.board, record.version = pool, C.neap_pool_version(pool)
  return true
end

-- The view, or one like it if a hook has changed the array: that was for its own request only.
---@return table view
function pools.whole(view)
  local entry = info_of(view)
  part.look_again()
  if part.is_whole(view, entry) then return view end
  return part.again(entry)
end

---@return table  -- the view of all that may serve now
function pools.view(record)
  local version = record.version
  if version == nil then
    if not attach(record) then return record.view end
    version = record.version
  end
  if version[0] ~= record.seen then refresh(record) end
  if is_exposed then record.view = pools.whole(record.view) end
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

-- Is it one of this view?
---@return boolean
function pools.holds(view, b)
  local list = info_of(view).list
  for i = 1, #list do
    if list[i] == b then return true end
  end
  return false
end

function pools.any_is_full(view)
  local list = info_of(view).list
  for i = 1, #list do
    if not has_room(list[i]) then return true end
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

local function is_of(b, filters)
  return b ~= nil and at[b.slot].epoch == b.epoch and passes(b, filters)
end

-- The last `full` of what is left have no free slot.
local function any_full_is_of(record, filters)
  local last = ffi.sizeof(left.slots) / 4
  for i = last - left.full, last - 1 do
    if is_of(by_slot(record)[left.slots[i]], filters) then return true end
  end
  return false
end

-- The backends of a view that a request may still use: not tried, with a free slot, in the lowest
-- tier that is left. The second value says whether some were left out only because they are full.
---@return table view, boolean is_full
function pools.narrow(view, r)
  local entry = info_of(view)
  local record, filters, list = entry.record, entry.filters, {}
  pools.view(record)
  if record.board < 0 then return new_view(record, list, 0, filters), false end
  C.neap_pool_left(record.board, record.panics and 1 or 0, record.tier, r.tried, r.tried_n, left,
    -1)
  local members_by_slot, n = by_slot(record), 0
  for i = 0, left.n - 1 do
    local b = members_by_slot[left.slots[i]]
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
  local is_in_turn = row.tier == tier and may_serve(row, record.panics, record.tier)
  if not is_in_turn and not is_kept_only(row) then return false end
  return r.tried_n == 0 or not is_tried(r, b.slot)
end

-- Why none of that view of it may serve.
---@return string
function pools.why_empty(record, view)
  if view ~= record.view and info_of(record.view).n > 0 then
    return "the policy's view of the pool is empty"
  end
  local drain, weightless = 0, 0
  for _, b in ipairs(record.all) do
    local row = at[b.slot]
    if serve.drains(row) then
      drain = drain + 1
    elseif is_kept_only(row) then
      weightless = weightless + 1
    end
  end
  if #record.all == 0 then return "the pool is empty" end
  if drain == #record.all then return "all backends drain" end
  if weightless > 0 then return "no backend is up that has a weight above 0" end
  return "no backend is up"
end

-- nil when it is no pool's view.
pools.info = info_of
function pools.record(index) return records[index] end

local LISTED = 12 -- names at most in an error

local function known_pools(names)
  local more = #names > LISTED and ", …" or ""
  return (" (there are: %s%s)"):format(table.concat(names, ", ", 1, math.min(#names, LISTED)), more)
end

local function is_known(name)
  if by_name[name] then return by_name[name] end
  local names = sorted.keys(by_name)
  if #names == 0 then error("neap.pool: pools are there once the config is read", 3) end
  local near = type(name) == "string" and nearest.find(name, names)
  error(("no pool '%s'%s"):format(tostring(name),
    near and ("; did you mean '%s'?"):format(near) or known_pools(names)), 3)
end

function pools.by_name(name) return pools.view(is_known(name)) end

local OPTIONS = {
  "health", "discover", "keepalive", "retry", "queue", "timeouts", "limits", "slow_start", "eject",
  "panic",
}

local function options_of(config)
  local options = {}
  for _, key in ipairs(OPTIONS) do options[key] = config[key] end
  -- A registry's settings may hold a secret.
  local found = config.discover
  options.discover = found and { type = found.type, interval = found.interval }
  return options
end

---@param configs table[]  config.pools
function pools.build(configs)
  for i, config in ipairs(configs) do
    local record = { name = config.name, index = i - 1, board = -1, all = {} }
    record.by_name = {}
    record.slow_start, record.panic = config.slow_start or nil, config.panic or 0
    record.options = options_of(config)
    record.counter, record.turns = counters.of_pool(config.name), counters.turns_of(config.name)
    record.turns "turn" -- before policies can use up the board's counters
    record.plain, record.slow = class_of(record), class_of(record, slow_methods)
    record.view = new_view(record, {}, 0)
    record.tier = 0
    records[i - 1] = record
    by_name[config.name] = record
  end
end

return pools
