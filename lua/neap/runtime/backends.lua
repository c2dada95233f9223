-- The `backend` objects: one for each slot of the board that this process has seen, which reads the
-- board directly. If its slot went to another backend, its fields are nil.

local ffi = require "neap.ffi"
local seal = require "neap.runtime.seal"
local show = require "neap.config.show"
local tags = require "neap.tags"
local view = require "neap.runtime.view"

local C, N, string_of = ffi.C, ffi.numbers, ffi.string

local backends = {}

local Backend = ffi.typeof "struct { const int32_t slot; const uint32_t epoch; }"
backends.type = Backend

local STATES = require("neap.words").states
local UP, DOWN = N.NEAP_STATE_UP, N.NEAP_STATE_DOWN
local DRAIN, EJECTED = N.NEAP_STATE_DRAIN, N.NEAP_STATE_EJECTED

-- slot → its row on the board, looked up when it is first needed: a process may never read most of
-- ten thousand.
local at = setmetatable({}, {
  __index = function(rows, slot)
    local row = C.neap_slot_at(slot)
    if row == nil then return nil end
    rows[slot] = row
    return row
  end,
})
local objects = {} -- slot → object
local texts = {} -- slot → { version =, epoch =, name =, url =, … }
backends.at = at

local member = ffi.new "neap_member"

local function text_of(field)
  local text = string_of(field)
  return text ~= "" and text or nil
end

-- Many backends have the same tags: those are decoded once, and sealed for those who read them.
local decoded, decoded_n, DECODED_MAX = {}, 0, 1000

---@return table values, table sealed
local function read_tags()
  local bytes = member.tags[0] ~= 0 and string_of(member.tags, ffi.sizeof(member.tags)) or ""
  local known = decoded[bytes]
  if not known then
    if decoded_n >= DECODED_MAX then decoded, decoded_n = {}, 0 end
    known = { values = tags.decode(bytes) }
    known.sealed = seal.new("backend.tags", known.values)
    decoded[bytes], decoded_n = known, decoded_n + 1
  end
  return known.values, known.sealed
end

-- Copies the texts of a slot; nil: the slot is another backend's by now.
local function read_texts(slot, epoch)
  local version = at[slot].text_version
  if C.neap_slot_text(slot, epoch, member) == 0 then return nil end
  local entry = {
    version = version,
    epoch = epoch,
    name = string_of(member.name),
    url = string_of(member.url),
    host = text_of(member.host) or text_of(member.path),
    port = member.port ~= 0 and member.port or nil,
    zone = text_of(member.zone),
  }
  entry.values, entry.tags = read_tags()
  texts[slot] = entry
  return entry
end

local function create(slot, epoch)
  texts[slot] = nil
  local object = Backend(slot, epoch)
  objects[slot] = object
  return object
end

---@return any?  -- nil: no such backend (any more)
function backends.get(slot, epoch)
  if slot < 0 then return nil end
  local object = objects[slot]
  if object and object.epoch == epoch then return object end
  local row = at[slot]
  if row == nil or row.epoch ~= epoch then return nil end
  return create(slot, epoch)
end

-- The weights of a list, without a look at more of each row.
---@return number[]
function backends.weights(list)
  local weights = {}
  for i = 1, #list do weights[i] = C.neap_slot_at(list[i].slot).weight end
  return weights
end

-- The object of a slot as the board has it now; its texts, if they changed, are read again.
function backends.refreshed(slot, epoch, version)
  local object, entry = objects[slot], texts[slot]
  if not object or object.epoch ~= epoch then return create(slot, epoch) end
  if entry and entry.version ~= version then texts[slot] = nil end
  return object
end

-- Reads the texts of these backends now: getters that read them are not compiled into hooks.
function backends.read(list)
  for i = 1, #list do
    local b = list[i]
    if not texts[b.slot] then read_texts(b.slot, b.epoch) end
  end
end

local getters = {}

local function entry_of(b)
  local entry = texts[b.slot] or read_texts(b.slot, b.epoch)
  return entry and entry.epoch == b.epoch and entry or nil
end

for _, name in ipairs { "name", "url", "host", "port", "zone", "tags" } do
  getters[name] = function(b)
    local entry = entry_of(b)
    return entry and entry[name]
  end
end

-- The value of one of its tags.
function backends.tag(b, name)
  local entry = entry_of(b)
  return entry and entry.values[name]
end

function backends.name(b) return getters.name(b) or "" end

-- The row of a backend that is still there.
local function row_of(b)
  local row = at[b.slot]
  return row.epoch == b.epoch and row or nil
end

function getters.state(b)
  local row = row_of(b)
  return row and STATES[row.state]
end

function getters.weight(b)
  local row = row_of(b)
  return row and row.weight
end

function getters.tier(b)
  local row = row_of(b)
  return row and row.tier
end

function getters.slots(b)
  local row = row_of(b)
  return row and row.slots ~= 0 and row.slots or nil
end

function getters.latency(b)
  local row = row_of(b)
  return row and row.latency_us / 1e6
end

-- Read for every backend of large pools: it touches nothing but the count. (In parentheses: a tail
-- call into C is not compiled.)
function getters.inflight(b) return (C.neap_slot_inflight(b.slot)) end

function getters.errors(b) return row_of(b) and (C.neap_slot_errors(b.slot)) end
function getters.since(b) return row_of(b) and (C.neap_slot_since(b.slot)) end

-- The reason in log and status of a change for which the policy gives none.
local NO_REASON = "a policy says so"

local function reason_of(value, level)
  if value ~= nil and type(value) ~= "string" then
    error(("the reason must be a string, not %s"):format(type(value)), level + 1)
  end
  return value or NO_REASON
end

local function set_state(b, to, reason, seconds)
  reason = reason_of(reason, 3)
  return C.neap_slot_set_state(b.slot, b.epoch, to, seconds or 0, reason, #reason) == 1
end

local methods = {}

function methods.down(b, reason)
  if type(b) ~= "cdata" then view.needs_colon("backend", "down") end
  return set_state(b, DOWN, reason)
end

function methods.suspect(b, reason)
  if type(b) ~= "cdata" then view.needs_colon("backend", "suspect") end
  reason = reason_of(reason, 2)
  return C.neap_slot_suspect(b.slot, b.epoch, reason, #reason) == 1
end

function methods.up(b)
  if type(b) ~= "cdata" then view.needs_colon("backend", "up") end
  return set_state(b, UP)
end

function methods.drain(b)
  if type(b) ~= "cdata" then view.needs_colon("backend", "drain") end
  return set_state(b, DRAIN)
end

-- As in the schema.
local WEIGHT_MAX = 1000

function methods.set_weight(b, weight)
  if type(b) ~= "cdata" then view.needs_colon("backend", "set_weight") end
  if type(weight) ~= "number" or weight % 1 ~= 0 or weight < 0 or weight > WEIGHT_MAX then
    error(("backend:set_weight(n): n must be a whole number from 0 to %d, and this is %s")
      :format(WEIGHT_MAX, show.value(weight)), 2)
  end
  return C.neap_slot_set_weight(b.slot, b.epoch, weight) == 1
end

function methods.eject(b, seconds, reason)
  if type(b) ~= "cdata" then view.needs_colon("backend", "eject") end
  if type(seconds) ~= "number" or seconds ~= seconds or seconds <= 0 then
    error("eject(seconds, reason): seconds must be a number above 0", 2)
  end
  return set_state(b, EJECTED, reason, seconds)
end

ffi.metatype(Backend, {
  __index = function(b, key)
    local get = getters[key]
    if get then return get(b) end
    local method = methods[key]
    if method == nil then view.unknown("backend", key, getters, methods) end
    return method
  end,
  __newindex = function(_, key)
    error(("backend.%s cannot be assigned"):format(tostring(key)), 2)
  end,
  __tostring = function(b) return getters.name(b) or "(a backend that is gone)" end,
})

return backends
