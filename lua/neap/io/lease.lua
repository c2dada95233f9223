-- Answers that all processes share through a store of neap.shared. Whoever holds the lease of a key
-- asks; the others look until the answer is there. A holder that dies renews it no longer, and the
-- next one to look takes it.

local ffi = require "neap.ffi"
local shared = require "neap.runtime.shared"

local C = ffi.C

local lease = {
  SECONDS = 1, -- without a renewal
  RENEWAL = 0.25,
  SHOWN = 0.2, -- how long an answer stays at least, so that those who wait see it
  PREFIX = "neap.once/",
}

-- What a key has: a sign and a text.
local SIGNS = { string = "=", number = "#", boolean = "?" }
local NOTHING, FAILURE, LEASE = "-", "!", "*"
local READ = {
  ["="] = function(text) return text end,
  ["#"] = tonumber,
  ["?"] = function(text) return text == "true" end,
  [NOTHING] = function() return nil end,
}

-- Can a store hold it?
---@param value any
---@return boolean
function lease.holds(value) return SIGNS[type(value)] ~= nil end

local function written(value, why)
  if value == nil then return why == nil and NOTHING or FAILURE .. tostring(why) end
  local text = type(value) == "number" and ("%.17g"):format(value) or tostring(value)
  return SIGNS[type(value)] .. text
end

---@param store any  of neap.shared
---@param key string
---@return boolean is_there, any value, string? why
function lease.read(store, key)
  local bytes = store:get(lease.PREFIX .. key)
  if type(bytes) ~= "string" then return false end
  local sign, text = bytes:sub(1, 1), bytes:sub(2)
  if sign == FAILURE then return true, nil, text end
  if READ[sign] then return true, READ[sign](text) end
  return false
end

---@return string? token  the lease is the caller's
---@return string? why  not: "exists", or what is wrong with the store
function lease.take(store, key)
  local token = ("%s%.17g %.17g"):format(LEASE, C.neap_random(), C.neap_clock())
  local ok, why = store:add(lease.PREFIX .. key, token, lease.SECONDS)
  if ok then return token end
  return nil, why
end

-- false: it is another's by now.
function lease.renew(store, key, token)
  if store:get(lease.PREFIX .. key) ~= token then return false end
  return store:set(lease.PREFIX .. key, token, lease.SECONDS) == true
end

-- The answer is there for all.
---@param ttl number
---@param value any  nil: it failed
---@param why string?
---@return boolean? ok, string? reason
function lease.give(store, key, ttl, value, why)
  return store:set(lease.PREFIX .. key, written(value, why), math.max(ttl, lease.SHOWN))
end

-- The next one may ask at once.
function lease.drop(store, key, token)
  if store:get(lease.PREFIX .. key) == token then store:delete(lease.PREFIX .. key) end
end

---@param name any  of a store
---@return any? store, string? why
function lease.store(name)
  local ok, store = pcall(shared.by_name, name)
  if ok then return store end
  return nil, store
end

return lease
