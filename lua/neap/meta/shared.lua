---@meta

--- A store that all workers and the agent share (`shared` in the config, docs/shared.md). Keys are
--- strings of up to 65,535 bytes; values are strings, numbers and booleans. What fails gives nil
--- and why. With `store = "redis"` what is set and deleted is told to other balancers, in the
--- background.
---@class neap.shared
local shared = {}

--- The value of a key.
---@param key string
---@return string|number|boolean|nil value  nil when there is none
---@return string|nil reason  only of a failure
function shared:get(key) end

--- Sets it, whatever was there.
---@param key string
---@param value string|number|boolean
---@param ttl number|nil  seconds that it lives, to the millisecond; absent or 0: for ever
---@return true|nil ok
---@return string|nil reason  `"too large for the store"`, …
function shared:set(key, value, ttl) end

--- Sets it only if there is nothing.
---@param key string
---@param value string|number|boolean
---@param ttl number|nil  seconds
---@return true|nil ok
---@return string|nil reason  `"exists"`, …
function shared:add(key, value, ttl) end

--- Sets it only if there is something.
---@param key string
---@param value string|number|boolean
---@param ttl number|nil  seconds
---@return true|nil ok
---@return string|nil reason  `"not found"`, …
function shared:replace(key, value, ttl) end

--- Adds to a number; returns what it is then. No call of any process comes between.
---@param key string
---@param n number|nil  1 when absent
---@param initial number|nil  what is added to when there is nothing; absent: that is a failure
---@param ttl number|nil  seconds; only for one that this call makes
---@return number|nil sum
---@return string|nil reason  `"not found"`, `"not a number"`, …
function shared:increment(key, n, initial, ttl) end

--- Adds to a sliding window; returns what was added within the last so many seconds, by all
--- processes. It is wrong by at most what came within one fifth of the window, and right where what
--- comes is even. One key has one length of window; another length begins anew.
---@param key string
---@param n number|nil  1 when absent; 0 only reads
---@param seconds number  0.005 or more
---@return number|nil sum
---@return string|nil reason  `"not a window"`, …
function shared:count(key, n, seconds) end

--- Deletes it.
---@param key string
---@return true|nil ok
---@return string|nil reason  `"not found"`, …
function shared:delete(key) end

--- How long it lives yet.
---@param key string
---@return number|nil seconds  0: for ever
---@return string|nil reason  `"not found"`
function shared:ttl(key) end

--- The keys that are there, in no order. Looks at the whole store: not for each request.
---@param limit integer|nil  1,024 when absent
---@return string[]
function shared:keys(limit) end

--- Deletes all.
function shared:flush() end

return shared
