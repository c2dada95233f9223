-- Stores that all processes share: neap.shared(name).

local ffi = require "neap.ffi"
local outbox = require "neap.runtime.outbox"
local sorted = require "neap.sorted"
local view_kind = require "neap.runtime.view"

local C, N, istype = ffi.C, ffi.numbers, ffi.istype
local unknown = view_kind.unknown

local shared = {}

local NUMBER, TRUE, FALSE, TEXT = N.NEAP_STORE_NUMBER, N.NEAP_STORE_TRUE, N.NEAP_STORE_FALSE,
  N.NEAP_STORE_TEXT
local OK, ALWAYS = N.NEAP_STORE_OK, N.NEAP_STORE_ALWAYS
local IF_ABSENT, IF_THERE = N.NEAP_STORE_IF_ABSENT, N.NEAP_STORE_IF_THERE
local KEYS, TTL_MAX = 1024, 1e9

local WHY = {
  [N.NEAP_STORE_EXISTS] = "exists",
  [N.NEAP_STORE_NOT_FOUND] = "not found",
  [N.NEAP_STORE_OTHER_KIND] = "not a number",
  [N.NEAP_STORE_KEY_LONG] = ("the key is too long (expected at most %d bytes)")
    :format(N.NEAP_STORE_KEY_MAX),
  [N.NEAP_STORE_TOO_LARGE] = "too large for the store",
  [N.NEAP_STORE_FULL] = "the store is full",
  [N.NEAP_STORE_BUSY] = "the store is busy: a process that was stopped holds it",
}

-- What users get knows its store by a number only, as counters do.
local Store = ffi.typeof "struct { const int32_t store; }"

local handles = {} -- by name
local names = {} -- by the handle's number
local at = {} -- the handle's number → the store's number; nil: there is none (yet)
local declared -- name → the store's number; nil: the config is not read yet
local is_open = false -- may stores be used?
local common = {} -- the store's number → several balancers have it in common

local current = C.neap_runtime()
local answer

-- The number of the store behind a handle.
local function place(handle)
  if not istype(Store, handle) then
    error("the methods of a shared store are called with a colon", 3)
  end
  local store = at[handle.store]
  if store == nil or not is_open then
    error("a shared store can be used once the config is loaded: in hooks", 3)
  end
  return store
end

local function bad_key(key)
  return nil, ("the key is a %s (expected a string)"):format(type(key))
end

-- Seconds, 0: for ever; nil when it is no time.
local function seconds(ttl)
  if ttl == nil then return 0 end
  if type(ttl) ~= "number" or ttl ~= ttl or ttl < 0 then return nil end
  return ttl < TTL_MAX and ttl or TTL_MAX
end

local BAD_TTL = "ttl is not a time (expected seconds, 0 or more)"

-- Are others to hear of it? (Nobody does in a check, or in the test kit.)
local function is_common(store) return common[store] and C.neap_lease_balancers(store) > 0 end

local LETTERS = { string = "s", number = "n" }
local TOO_LARGE = ("too large to be shared with other balancers (expected at most %d bytes with "
  .. "its key)"):format(outbox.BYTES_MAX)

local function tell(store, key, value, ttl)
  local letter = LETTERS[type(value)] or (value and "t" or "f")
  local text = type(value) == "number" and ("%.17g"):format(value) or value
  outbox.put(store, outbox.text(letter, key, type(text) == "string" and text or "", ttl))
end

local function is_too_large(key, value)
  return #key + (type(value) == "string" and #value or 0) > outbox.BYTES_MAX
end

local function set(store, key, value, ttl, when)
  if type(key) ~= "string" then return bad_key(key) end
  local span = seconds(ttl)
  if not span then return nil, BAD_TTL end
  local kind = type(value)
  local result
  local is_told = is_common(store)
  if is_told and is_too_large(key, value) then return nil, TOO_LARGE end
  if kind == "number" then
    result = C.neap_store_set_number(store, key, #key, value, span, when)
  elseif kind == "string" then
    result = C.neap_store_set_text(store, key, #key, value, #value, span, when)
  elseif kind == "boolean" then
    result = C.neap_store_set_flag(store, key, #key, value and TRUE or FALSE, span, when)
  else
    return nil, ("a %s cannot be stored (expected a string, number or boolean)"):format(kind)
  end
  if result ~= OK then return nil, WHY[result] end
  if is_told then tell(store, key, value, span) end
  return true
end

local methods = {}

function methods.get(handle, key)
  local store = place(handle)
  if type(key) ~= "string" then return bad_key(key) end
  local kind = C.neap_store_get(store, key, #key)
  if kind == NUMBER then return answer.number end
  if kind == TEXT then return ffi.string(current.out, current.out_n) end
  if kind == TRUE then return true end
  if kind == FALSE then return false end
  if answer.result ~= OK then return nil, WHY[answer.result] end
  return nil
end

function methods.set(handle, key, value, ttl) return set(place(handle), key, value, ttl, ALWAYS) end

function methods.add(handle, key, value, ttl)
  return set(place(handle), key, value, ttl, IF_ABSENT)
end

function methods.replace(handle, key, value, ttl)
  return set(place(handle), key, value, ttl, IF_THERE)
end

local function is_number(n) return type(n) == "number" and n == n end

function methods.increment(handle, key, n, initial, ttl)
  local store, by, span = place(handle), n == nil and 1 or n, seconds(ttl)
  if type(key) ~= "string" then return bad_key(key) end
  if not is_number(by) then return nil, "n is not a number" end
  if initial ~= nil and not is_number(initial) then return nil, "initial is not a number" end
  if not span then return nil, BAD_TTL end
  local result = C.neap_store_increment(store, key, #key, by, initial and 1 or 0, initial or 0,
    span)
  if result == OK then return answer.number end
  return nil, WHY[result]
end

function methods.delete(handle, key)
  local store = place(handle)
  if type(key) ~= "string" then return bad_key(key) end
  local result = C.neap_store_delete(store, key, #key)
  if is_common(store) then outbox.put(store, outbox.text("d", key, "", 0)) end
  if result == OK then return true end
  return nil, WHY[result]
end

function methods.ttl(handle, key)
  local store = place(handle)
  if type(key) ~= "string" then return bad_key(key) end
  local result = C.neap_store_ttl(store, key, #key)
  if result == OK then return answer.number end
  return nil, WHY[result]
end

-- The sum of what was added within so many seconds, n included.
function methods.count(handle, key, n, span)
  local store, by = place(handle), n == nil and 1 or n
  if type(key) ~= "string" then return bad_key(key) end
  if not is_number(by) then return nil, "n is not a number" end
  if not is_number(span) or span < 0.005 or span > TTL_MAX then
    return nil, "seconds is not the length of a window (expected 0.005 or more)"
  end
  local result = C.neap_store_count(store, key, #key, by, span)
  if result == OK then return answer.number end
  if result == N.NEAP_STORE_OTHER_KIND then return nil, "not a window" end
  return nil, WHY[result]
end

function methods.keys(handle, limit)
  local store, list = place(handle), {}
  if limit == nil then limit = KEYS end
  if not is_number(limit) or limit < 0 then return nil, "limit is not a number" end
  C.neap_store_list(store)
  while #list < limit and C.neap_store_listed() == 1 do
    local key = ffi.string(current.out, current.out_n)
    if not (common[store] and outbox.has(key)) then list[#list + 1] = key end
  end
  return list
end

function methods.flush(handle) C.neap_store_flush(place(handle)) end

ffi.metatype(Store, {
  __index = function(_, key)
    local method = methods[key]
    if method == nil then unknown("a shared store", key, {}, methods) end
    return method
  end,
  __newindex = function(_, key)
    error(("a shared store's %s cannot be assigned"):format(tostring(key)), 2)
  end,
  __tostring = function(handle) return ("shared store '%s'"):format(names[handle.store]) end,
})

-- Which stores there are, for an error.
---@return string
function shared.known()
  local list = declared and sorted.keys(declared) or {}
  if #list == 0 then return "the config has no `shared`" end
  return "there are: " .. table.concat(list, ", ")
end

-- Its number, for parts of the runtime that keep something in it; nil: there is none.
---@return integer?
function shared.number(name) return declared and declared[name] end

-- Is it known by now that there is none of that name?
function shared.lacks(name) return declared ~= nil and declared[name] == nil end

-- The number of the store behind a handle: for limits, which stand in stores.
shared.place = place

-- A result in words.
function shared.why(result) return WHY[result] or "not found" end

local function check(name)
  if type(name) ~= "string" then
    error(("shared(name): the name is a %s, not a string"):format(type(name)), 3)
  end
  if declared and declared[name] == nil then
    error(("shared: no store '%s' (%s)"):format(name, shared.known()), 3)
  end
end

-- The store of that name. While the config is read it is not known yet which there are.
function shared.by_name(name)
  check(name)
  local handle = handles[name]
  if handle then return handle end
  local number = #names + 1
  names[number] = name
  at[number] = declared and declared[name]
  handle = Store(number)
  handles[name] = handle
  return handle
end

-- Which there are.
---@param stores table[]  config.shared
---@return table?  an error: a name that was asked for before is not among them
function shared.build(stores)
  declared, answer = {}, C.neap_store_answers()
  for i, store in ipairs(stores) do
    declared[store.name] = i - 1
    common[i - 1] = store.redis ~= nil or nil
  end
  for number, name in ipairs(names) do
    if declared[name] == nil then
      return { key = "shared",
        text = ("neap.shared asks for a store '%s' (%s)"):format(name, shared.known()) }
    end
    at[number] = declared[name]
  end
end

-- All policies are loaded: hooks may use stores.
function shared.open() is_open = true end

return shared
