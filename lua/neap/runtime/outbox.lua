-- What was set here in stores that several balancers have in common, until the agent has told the
-- others (neap.agent.values). It lies in the store itself, as texts under numbers.

local ffi = require "neap.ffi"

local C, N = ffi.C, ffi.numbers
local current = C.neap_runtime()

local outbox = { BYTES_MAX = 1024 }

local PREFIX = "\1neap:"
local NEXT, TAKEN = PREFIX .. "next", PREFIX .. "taken"
local KEPT = 10 -- seconds until what could not be told is given up

local answers = C.neap_store_answers -- asked for late: a shadow has none

-- Is it one of these, and no user's?
---@return boolean
function outbox.has(key) return key:sub(1, #PREFIX) == PREFIX end

local function key_of(number) return ("%s%d"):format(PREFIX, number) end

-- kind: "s" text, "n" number, "t", "f", "d" deleted.
---@param ttl number  seconds; 0: for ever
function outbox.text(kind, key, value, ttl)
  return ("%s%d %d %s%s"):format(kind, math.ceil(ttl * 1000), #key, key, value)
end

-- nil: it is no such text.
---@return string? kind, string? key, string? value, number? ttl_ms
function outbox.read(text)
  local kind, ttl, n, at = text:match "^([sntfd])(%d+) (%d+) ()"
  n = tonumber(n)
  if not kind or #ttl > 13 or n > outbox.BYTES_MAX or #text < at + n - 1 then return nil end
  return kind, text:sub(at, at + n - 1), text:sub(at + n), tonumber(ttl)
end

-- Leaves it for the agent.
---@param store integer
---@param text string
function outbox.put(store, text)
  if C.neap_store_increment(store, NEXT, #NEXT, 1, 1, 0, 0) ~= N.NEAP_STORE_OK then return end
  local key = key_of(answers().number)
  C.neap_store_set_text(store, key, #key, text, #text, KEPT, N.NEAP_STORE_ALWAYS)
end

local function number(store, key)
  local kind = C.neap_store_get(store, key, #key)
  return kind == N.NEAP_STORE_NUMBER and answers().number or 0
end

-- Those that wait, the oldest first.
---@param store integer
---@param max integer
---@return string[] texts
---@return integer last  for `taken`
function outbox.waiting(store, max)
  local texts, from, to = {}, number(store, TAKEN), number(store, NEXT)
  local last = math.min(to, from + max)
  for i = from + 1, last do
    local key = key_of(i)
    if C.neap_store_get(store, key, #key) == N.NEAP_STORE_TEXT then
      table.insert(texts, ffi.string(current.out, current.out_n))
    end
  end
  return texts, last
end

-- They were told, or are so old that they went.
function outbox.taken(store, last)
  local from = number(store, TAKEN)
  if last == from then return end
  for i = from + 1, last do
    local key = key_of(i)
    C.neap_store_delete(store, key, #key)
  end
  C.neap_store_set_number(store, TAKEN, #TAKEN, last, 0, N.NEAP_STORE_ALWAYS)
end

return outbox
