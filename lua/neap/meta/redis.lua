---@meta

--- A client of Redis. A reply is a text, a number, a boolean, a list or a table by name; numbers
--- without an exact value in Lua, beyond 2^53, are texts. Null is nil, and inside of lists, tables
--- and pipelines `neap.redis.null` (which is `neap.json.null`); an error in there is
--- `{ err = "ERR …" }`. Words of commands are texts and numbers. `SUBSCRIBE`, `MONITOR` and their
--- like are refused; a connection is closed after `SELECT`, `AUTH`, `WATCH` and other commands that
--- change it. Redirections of a cluster (`MOVED …`, `ASK …`) are reasons as other errors are: they
--- are not followed.
---@class neap.redis.client
local redis = {}

--- Sends a command: `redis:call("GET", key)`. May wait. A command that only reads is sent again
--- when a kept connection turns out dead.
---@param command string
---@param ... string|number
---@return any value  nil: null, or it failed
---@return string|nil reason  `"timeout"`, `"connection refused"`, `"ERR …"`; nil: it did not fail
function redis:call(command, ...) end

--- Sends commands at once: `redis:pipeline { { "GET", "a" }, { "INCR", "n" } }`. May wait. One that
--- begins with `MULTI` and ends with `EXEC` is a transaction.
---@param commands table[]  10,000 at most
---@return any[]|nil replies  in order; nil when the connection failed
---@return string|nil reason
function redis:pipeline(commands) end

return redis
