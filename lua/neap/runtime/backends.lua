-- The `backend` objects: one for each slot of the board that this process has seen, which reads the
-- board directly. One whose slot went to another backend reads nil.

local ffi = require "neap.ffi"
local tags = require "neap.tags"
local view = require "neap.runtime.view"

local C, string_of = ffi.C, ffi.string

local backends = {}

local Backend = ffi.typeof "struct { const int32_t slot; const uint32_t epoch; }"
backends.type = Backend

local STATES = { [0] = "unknown", "up", "down", "drain", "ejected" }
local UP, DOWN, DRAIN, EJECTED = 1, 2, 3, 4

local at = {} -- slot → its row on the board
local objects = {} -- slot → object
local texts = {} -- slot → { version =, epoch =, name =, url =, … }
backends.at = at

---@return any?  -- nil: no such backend (any more)
function backends.get(slot, epoch)
  if slot < 0 then return nil end
  local object = objects[slot]
  if object and object.epoch == epoch then return object end
  local row = C.neap_slot_at(slot)
  if row == nil or row.epoch ~= epoch then return nil end
  at[slot] = row
  object = Backend(slot, epoch)
  objects[slot] = object
  return object
end

local member = ffi.new "neap_member"

local function read_texts(b, row)
  local version = row.text_version
  if C.neap_slot_text(b.slot, b.epoch, member) == 0 then return nil end
  local host, path, zone = string_of(member.host), string_of(member.path), string_of(member.zone)
  local entry = {
    version = version,
    epoch = b.epoch,
    name = string_of(member.name),
    url = string_of(member.url),
    host = host ~= "" and host or path,
    port = member.port ~= 0 and member.port or nil,
    zone = zone ~= "" and zone or nil,
    tags = tags.decode(string_of(member.tags, ffi.sizeof(member.tags))),
  }
  texts[b.slot] = entry
  return entry
end

local NOTHING = {}

local function texts_of(b)
  local row, entry = at[b.slot], texts[b.slot]
  if entry and entry.version == row.text_version and entry.epoch == b.epoch then return entry end
  return read_texts(b, row) or NOTHING
end

local getters = {}

for _, name in ipairs { "name", "url", "host", "port", "zone", "tags" } do
  getters[name] = function(b) return texts_of(b)[name] end
end

function getters.state(_, row) return STATES[row.state] end
function getters.weight(_, row) return row.weight end
function getters.tier(_, row) return row.tier end
function getters.slots(_, row) return row.slots ~= 0 and row.slots or nil end
function getters.inflight(b) return C.neap_slot_inflight(b.slot) end
function getters.latency(_, row) return row.latency_us / 1e6 end
function getters.errors(b) return C.neap_slot_errors(b.slot) end
function getters.since(b) return C.neap_slot_since(b.slot) end

local function set_state(b, to, reason, seconds)
  if reason ~= nil and type(reason) ~= "string" then
    error(("the reason must be a string, not %s"):format(type(reason)), 3)
  end
  reason = reason or ""
  return C.neap_slot_set_state(b.slot, b.epoch, to, seconds or 0, reason, #reason) == 1
end

local methods = {}

function methods.down(b, reason) return set_state(b, DOWN, reason) end
function methods.up(b) return set_state(b, UP) end
function methods.drain(b) return set_state(b, DRAIN) end

function methods.eject(b, seconds, reason)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds <= 0 then
    error("eject(seconds, reason): seconds must be a number above 0", 2)
  end
  return set_state(b, EJECTED, reason, seconds)
end

ffi.metatype(Backend, {
  __index = function(b, key)
    local get = getters[key]
    if get then
      local row = at[b.slot]
      if row.epoch ~= b.epoch then return nil end
      return get(b, row)
    end
    local method = methods[key]
    if method == nil then view.unknown("backend", key, getters, methods) end
    return method
  end,
  __tostring = function(b) return texts_of(b).name or "(a backend that is gone)" end,
})

return backends
