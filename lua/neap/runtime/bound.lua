-- What neap.limit and neap.concurrency have in common: their options, where they are kept, what is
-- counted of them, and what happens when that cannot be used.

local counters = require "neap.runtime.counters"
local current = require "neap.runtime.current"
local ffi = require "neap.ffi"
local log = require "neap.runtime.log"
local naming = require "neap.config.naming"
local shared = require "neap.runtime.shared"
local show = require "neap.config.show"
local sorted = require "neap.sorted"
local view_kind = require "neap.runtime.view"

local C = ffi.C
local state = current.state

local STORE, STORE_BYTES = "limits", 16 * 2 ^ 20 -- where those are kept that name no store
local WARN_SECONDS = 60

local bound = { most = 1e9 }

local wants_store = false

-- The caller's caller's caller made it: that is whose line is told.
local function expected(what, key, value, text)
  local is = value == nil and "it is missing" or show.value(value) .. " is wrong"
  error(("%s: %s: %s (expected %s)"):format(what, key, is, text), 5)
end

---@param what string  "neap.limit"
---@param given table
---@param rule {key: string, default: number?, least: number, is_whole: boolean?}
---@return number
function bound.number(what, given, rule)
  local value = given[rule.key]
  if value == nil then value = rule.default end
  if type(value) ~= "number" or not (value >= rule.least and value <= bound.most)
    or (rule.is_whole and value % 1 ~= 0) then
    expected(what, rule.key, value, ("a %s from %g to %g"):format(
      rule.is_whole and "whole number" or "number", rule.least, bound.most))
  end
  return value
end

---@param known table<string, true>
function bound.check_keys(what, given, known)
  for key in pairs(given) do
    if not known[key] then
      error(("%s: unknown key '%s'%s"):format(what, show.text(tostring(key)),
        naming.hint(key, sorted.keys(known))), 4)
    end
  end
end

-- Those of one name and store are one: its entries, and its metrics, bear the name.
---@param own string  what it is called when nothing is given
function bound.name(what, given, own)
  local name = given.name
  if name == nil then return (own:gsub("[^%w_]", "_")) end
  if type(name) ~= "string" or #name > 64 or not name:find "^[%a_][%w_]*$" then
    expected(what, "name", name, "letters, digits and _, 64 at most")
  end
  return name
end

function bound.store(what, given)
  local name = given.store
  if name ~= nil then
    if type(name) ~= "string" then expected(what, "store", name, "the name of a store") end
    if shared.lacks(name) then
      error(("%s: store: no store '%s' (%s)"):format(what, name, shared.known()), 4)
    end
    return shared.by_name(name)
  end
  if shared.lacks(STORE) then
    error(("%s: the config has no store '%s' (add shared = { %s = { bytes = 16 * 2^20 } }, "
      .. "or name one here: store = …)"):format(what, STORE, STORE), 4)
  end
  wants_store = true
  return shared.by_name(STORE)
end

-- What stands for a name in the keys of a store.
---@param row table  id[2]
function bound.set_id(row, name)
  row.id[0], row.id[1] = C.neap_hash(name, #name, 1), C.neap_hash(name, #name, 2)
end

---@param kind string  "limit": what its metrics begin with
---@param title string  what messages call it
---@return table one  { title, name, store, refused, unchecked, warned }
function bound.new(kind, title, name, store)
  local prefix = kind .. "_" .. name
  return {
    title = title, name = name, store = store, warned = -bound.most,
    refused = counters.counter(prefix .. "_refused_total", "What this limit has refused."),
    unchecked = counters.counter(prefix .. "_unchecked_total",
      "What passed because the store of this limit could not be used."),
  }
end

-- A limit must not become an outage: it lets through what it cannot count.
function bound.unable(one, result)
  one.unchecked:add(1)
  local now = state.unix_now[0]
  if now - one.warned >= WARN_SECONDS then
    one.warned = now
    log.warn("the %s %s cannot be kept, requests pass: %s", one.title, one.name, shared.why(result))
  end
  return true
end

function bound.refused(one)
  one.refused:add(1)
  local r = state.request
  if r ~= nil then
    local why = "the " .. one.title .. " " .. one.name .. " is reached"
    C.neap_request_set_reason(r, why, #why)
  end
end

function bound.bad_key(kind, method, key, level)
  error(("%s:%s: the key is a %s (expected a string, or the request: its client)")
    :format(kind, method, type(key)), level or 3)
end

-- What users get knows its row by a number only, as stores do.
---@param title string  what messages call it
---@param all table[]  by number
---@param getters table<string, true>  fields of a row that are seen
---@return fun(number: integer): any make
---@return fun(handle: any): table get
function bound.handles(title, all, getters, methods)
  local Handle = ffi.typeof "struct { const int32_t number; }"
  ffi.metatype(Handle, {
    __index = function(handle, key)
      local method = methods[key]
      if method then return method end
      if getters[key] then return all[handle.number][key] end
      view_kind.unknown("a " .. title, key, getters, methods)
    end,
    __newindex = function(_, key)
      error(("a %s's %s cannot be assigned"):format(title, tostring(key)), 2)
    end,
    __tostring = function(handle) return ("%s '%s'"):format(title, all[handle.number].name) end,
  })
  return Handle, function(handle)
    if not ffi.istype(Handle, handle) then
      error(("the methods of a %s are called with a colon"):format(title), 3)
    end
    return all[handle.number]
  end
end

-- Does it name the shipped policy, which keeps its limit there?
local function names_policy(config)
  for _, owners in ipairs { config.services, config.pools } do
    for _, owner in ipairs(owners) do
      if owner.policy == "rate_limit" then return true end
    end
  end
  return false
end

-- The store of those that name none, if the config has such limits and does not say how large it
-- is.
---@param config table
---@param is_asked boolean?  it is wanted in any case
function bound.declare(config, is_asked)
  local at = 1
  for i, store in ipairs(config.shared) do
    if store.name == STORE then return end
    if store.name < STORE then at = i + 1 end
  end
  if is_asked or wants_store or names_policy(config) then
    table.insert(config.shared, at, { name = STORE, bytes = STORE_BYTES })
  end
end

return bound
