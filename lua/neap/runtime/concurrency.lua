-- How many requests may be somewhere at once: neap.concurrency { limit =, store = }. Counted over
-- all processes; a request leaves with its end, whatever ends it, its worker's death included.

local bound = require "neap.runtime.bound"
local current = require "neap.runtime.current"
local ffi = require "neap.ffi"
local request = require "neap.runtime.request"
local shared = require "neap.runtime.shared"

local C, N = ffi.C, ffi.numbers
local state = current.state
local OK, NOT_FOUND, REACHED = N.NEAP_STORE_OK, N.NEAP_STORE_NOT_FOUND, N.NEAP_STORE_REACHED
local is_request = request.is

local WHAT, TITLE = "neap.concurrency", "concurrency limit"
local KNOWN = { limit = true, store = true, name = true }

local concurrency = {}

local all, methods = {}, {}
local Concurrency, get = bound.handles(TITLE, all, { name = true, limit = true }, methods)

local answer = C.neap_store_answers

local function read(given)
  bound.check_keys(WHAT, given, KNOWN)
  local most = bound.number(WHAT, given, { key = "limit", least = 1, is_whole = true })
  local name = bound.name(WHAT, given, ("%d"):format(most))
  local row = ffi.new "neap_concurrency"
  bound.set_id(row, "concurrency " .. name)
  row.limit = most
  local one = bound.new("concurrency", TITLE, name, bound.store(WHAT, given))
  one.row, one.limit = row, most
  return one
end

-- Hooks that are not about a request (a connection, a handshake) have nothing that ends.
local function of_request(method)
  local r = state.request
  if r == nil or r.id == 0 then
    error(("concurrency:%s: no request is here that could be in there (expected a hook of "
      .. "requests)"):format(method), 3)
  end
  return r
end

-- What C takes for a key: nothing stands for the client.
local function text_of(method, key)
  if type(key) == "string" then return key, #key end
  if is_request(key) then return nil, 0 end
  bound.bad_key("concurrency", method, key, 4)
end

-- true: it is in, until it leaves or ends; also if it was in before.
function methods.enter(handle, key)
  local one, r = get(handle), of_request "enter"
  local text, n = text_of("enter", key)
  local result = C.neap_concurrency_enter(shared.place(one.store), one.row, r, text, n)
  if result == OK or result == NOT_FOUND then return true end
  if result ~= REACHED then return bound.unable(one, result) end
  bound.refused(one)
  return false
end

-- Before its end. false: it was not in there.
function methods.leave(handle, key)
  local one, r = get(handle), of_request "leave"
  local text, n = text_of("leave", key)
  return C.neap_concurrency_leave(shared.place(one.store), one.row, r, text, n) == OK
end

-- How many are in there.
function methods.inside(handle, key)
  local one = get(handle)
  local text, n = text_of("inside", key)
  local result = C.neap_concurrency_inside(shared.place(one.store), one.row, state.request, text, n)
  return result == OK and answer().number or 0
end

---@param given table  limit, store = "limits", name
function concurrency.new(given)
  if type(given) ~= "table" then error("neap.concurrency { limit =, store = }", 2) end
  local n = #all + 1
  all[n] = read(given)
  return Concurrency(n)
end

return concurrency
