-- The body of a request, as its hooks see it. It is gathered only for hooks that ask.

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
}

local function check_max(r, max)
  local most = C.neap_body_most(r)
  if max == nil then return most end
  if type(max) ~= "number" or max ~= max or max < 0 or max % 1 ~= 0 then
    error("request:body(max): max must be a number of bytes, and this is " .. show.value(max), 3)
  end
  if max > most then
    error(("request:body(max): %s is more than limits.hook_body_bytes of this service, %d")
      :format(show.value(max), most), 3)
  end
  return max
end

-- The state, once it is final.
local function gathered(r, max)
  while true do
    local now = tonumber(C.neap_body_ask(r, max))
    if now ~= WAITS then return now end
    wait.parked()
  end
end

-- May it be asked for, here and now? nil: only the head is known.
local function check(r, what)
  if r.is_tcp == 1 then error(what .. ": a connection of a tcp service has no body", 3) end
  if C.neap_body_is_known(r) == 0 then return nil end
  wait.check(what, 4)
  return true
end

-- Of a body that is whole.
local function text(r)
  if C.neap_body_text(r) == 1 then return out() end
  local n = C.neap_body_bytes(r)
  local bytes = ffi.new("char[?]", n + 1)
  C.neap_body_copy(r, bytes)
  return ffi.string(bytes, n)
end

---@param r any  the request's struct
---@param max number?
---@return string? bytes, string? why
function body.get(r, max)
  if not check(r, "request:body") then return nil, "not recorded" end
  local found = gathered(r, check_max(r, max))
  if found == WHOLE then return text(r) end
  return nil, WHY[found]
end

local function check_bytes(bytes)
  if type(bytes) ~= "string" then
    error("request:set_body(bytes): bytes must be a string, and this is " .. show.value(bytes), 3)
  end
  if #bytes > SET_MAX then
    error(("request:set_body(bytes): %d bytes are more than %d"):format(#bytes, SET_MAX), 3)
  end
end

-- The client's own has to be read to its end first: what follows it is the next request.
---@param r any
---@param bytes string
---@return boolean? is_set, string? why
function body.set(r, bytes)
  check_bytes(bytes)
  if not check(r, "request:set_body") then return nil, "not recorded" end
  local found = gathered(r, C.neap_body_most(r))
  if found ~= WHOLE then return nil, WHY[found] end
  local done = tonumber(C.neap_body_set(r, bytes, #bytes))
  if done == N.NEAP_BODY_NO_MEMORY then error("request:set_body: out of memory", 3) end
  if done ~= N.NEAP_BODY_SET then return nil, WHY[N.NEAP_BODY_GONE] end
  return true
end

return body
