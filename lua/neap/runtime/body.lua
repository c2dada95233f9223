-- The bodies of a request and of its answer, as hooks see them. They are gathered only for hooks
-- that ask.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local show = require "neap.config.show"
local wait = require "neap.runtime.wait"

local C, N, out = ffi.C, ffi.numbers, current.out
local WHOLE, WAITS, LONG = N.NEAP_BODY_WHOLE, N.NEAP_BODY_WAITS, N.NEAP_BODY_LONG
local SET_MAX = N.NEAP_BODY_SET_MAX

local body = {}

local WHY = {
  [LONG] = "too long",
  [N.NEAP_BODY_GONE] = "it was sent already",
  [N.NEAP_BODY_BUSY] = "too many hooks wait for bodies",
  [N.NEAP_BODY_BROKEN] = "it is malformed",
  [N.NEAP_BODY_REFUSED] = "over limits.body_bytes",
}

-- Whose body it is (of: enum neap_body_of), by what names, and who may wait for it.
local function side(what, of, check_wait)
  return { of = of, get = what .. ":body", set = what .. ":set_body", check_wait = check_wait }
end

local function check_max(own, r, max)
  local most = C.neap_body_most(r, own.of)
  if max == nil then return most end
  if type(max) ~= "number" or max ~= max or max < 0 or max % 1 ~= 0 then
    error(("%s(max): max must be a number of bytes, and this is %s")
      :format(own.get, show.value(max)), 3)
  end
  if max > most then
    error(("%s(max): %s is more than limits.hook_body_bytes of this service, %d")
      :format(own.get, show.value(max), most), 3)
  end
  return max
end

-- The state, once it is final.
local function gathered(own, r, max)
  while true do
    local now = tonumber(C.neap_body_ask(r, own.of, max))
    if now ~= WAITS then return now end
    wait.parked()
  end
end

-- May it be asked for, here and now? nil: only the head is known.
local function check(own, r, name)
  if r.is_tcp == 1 then error(name .. ": a connection of a tcp service has no body", 3) end
  if C.neap_body_is_known(r, own.of) == 0 then return nil end
  own.check_wait(name, 4)
  return true
end

-- Of a body that is whole.
local function text(own, r)
  if C.neap_body_text(r, own.of) == 1 then return out() end
  local n = C.neap_body_bytes(r, own.of)
  local bytes = ffi.new("char[?]", n + 1)
  C.neap_body_copy(r, own.of, bytes)
  return ffi.string(bytes, n)
end

local function get(own, r, max)
  if not check(own, r, own.get) then return nil, "not recorded" end
  local found = gathered(own, r, check_max(own, r, max))
  if found == WHOLE then return text(own, r) end
  return nil, WHY[found]
end

local function check_bytes(own, bytes)
  if type(bytes) ~= "string" then
    error(("%s(bytes): bytes must be a string, and this is %s")
      :format(own.set, show.value(bytes)), 3)
  end
  if #bytes > SET_MAX then
    error(("%s(bytes): %d bytes are more than %d"):format(own.set, #bytes, SET_MAX), 3)
  end
end

-- The one that comes has to be read to its end first: what follows it is the next message.
local function set(own, r, bytes)
  check_bytes(own, bytes)
  if not check(own, r, own.set) then return nil, "not recorded" end
  local found = gathered(own, r, C.neap_body_most(r, own.of))
  if found ~= WHOLE then return nil, WHY[found] end
  local done = tonumber(C.neap_body_set(r, own.of, bytes, #bytes))
  if done == N.NEAP_BODY_NO_MEMORY then error(own.set .. ": out of memory", 3) end
  if done ~= N.NEAP_BODY_SET then return nil, WHY[N.NEAP_BODY_GONE] end
  return true
end

local request = side("request", N.NEAP_BODY_OF_REQUEST, wait.check)
local answer = side("response", N.NEAP_BODY_OF_ANSWER, wait.check_for_body)

---@param r any  the request's struct
---@param max number?
---@return string? bytes, string? why
function body.get(r, max) return get(request, r, max) end

---@param r any
---@param bytes string
---@return boolean? is_set, string? why
function body.set(r, bytes) return set(request, r, bytes) end

-- The same of its answer.
function body.get_answer(r, max) return get(answer, r, max) end
function body.set_answer(r, bytes) return set(answer, r, bytes) end

return body
