-- The hook `key`: by what the flow of a datagram is found.

local bit = require "bit"
local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local numbered = require "neap.hooks"
local show = require "neap.config.show"
local view = require "neap.runtime.view"

local C, N, string_of, copy = ffi.C, ffi.numbers, ffi.string, ffi.copy
local state, out = current.state, current.out
local KEY_ID, KEY_BIT, KEY_MAX = numbered.ids.key, numbered.bits.key, N.NEAP_DATAGRAM_KEY_MAX
local DONE = N.NEAP_DONE

local datagram = {}

local function subject()
  local r = state.request
  if r == nil or r.datagram == nil then return nil end
  return r
end

local object = view.new("datagram", subject, {
  bytes = function(r) return string_of(r.datagram.bytes, r.datagram.n) end,
  client_ip = function(r)
    C.neap_request_client_ip(r)
    return out()
  end,
  client_port = function(r) return r.port end,
}, {})

-- Keys that C reads by itself, by the function that stands for them: { kind =, length =, narrow = }
local made = setmetatable({}, { __mode = "k" })

---@param fn function
---@param how table
---@return function
function datagram.note_ready(fn, how)
  made[fn] = how
  return fn
end

---@return table?
function datagram.ready(fn) return made[fn] end

local function give(to, key, whose)
  if type(key) ~= "string" or #key == 0 or #key > KEY_MAX then
    error(("key returned %s (expected a text of 1 to %d bytes, or nil)")
      :format(type(key) == "string" and #key .. " bytes" or "a " .. type(key), KEY_MAX), 0)
  end
  if whose ~= nil and whose ~= "client" then
    error(("key returned %s beside its key (expected nothing, or \"client\")")
      :format(show.value(whose)), 0)
  end
  copy(to.key, key, #key)
  to.key_n, to.is_narrow = #key, whose and 1 or 0
end

-- After an error of the hook the flow is found by address.
---@param code integer  the service's, for the board
---@param hook function
---@return function entry
function datagram.entry(code, hook)
  return function(skip)
    local r = state.request
    if bit.band(skip, KEY_BIT) ~= 0 then return DONE end
    state.hook[0], r.ran = code + KEY_ID, KEY_BIT
    local key, whose = hook(object)
    if key ~= nil then give(r.datagram, key, whose) end
    return DONE
  end
end

-- Other services have no datagrams.
---@return table? fault
function datagram.check_hooks(service, hooks)
  if not (hooks and hooks.key) or service.mode == "udp" then return nil end
  return { key = service.policy_key or "policy", text = ("its hook key is about datagrams, and the "
    .. "service has mode = %q (expected \"udp\")"):format(service.mode) }
end

return datagram
