---@meta

--- A server of a pool. Its state is shared by all workers.
---@class neap.backend
---@field name string  `host:port` and the base path, unless given; its identity in the pool
---@field url string  as configured
---@field host string  the path for a unix socket
---@field port integer|nil  nil for a unix socket
---@field weight integer  its share, relative to the others
---@field tier integer  higher tiers are used when none of a lower one is left
---@field zone string|nil  as configured
---@field tags table<string, string|number|boolean>  as configured
---@field state "up"|"down"|"drain"|"ejected"|"unknown"  `"unknown"`: not checked yet, counts as up
---@field inflight integer  unfinished requests, over all workers
---@field slots integer|nil  most requests at a time; nil: no limit
---@field latency number  moving average of the time to the first byte, seconds; 0: none yet
---@field errors integer  failed requests so far, over all workers
---@field since number  when it came into this state: seconds since 1970
local backend = {}

--- Takes it out of service until a check finds it alive. Logged once, as `<url> is dead.` with
--- the reason.
---@param reason string|nil
function backend:down(reason) end

--- Reports that it took a connection and then failed a request. The agent checks it at once. It
--- goes down if that check fails, or after `health.failures` (3) such reports in a row, over all
--- workers, with no good answer in between, unless it is the last one that serves. In `failed` the
--- call has no effect if the failure is no evidence against the backend (`failure.ours`,
--- `failure.kept`).
---@param reason string|nil
function backend:suspect(reason) end

--- Puts it into service.
function backend:up() end

--- Gives it no new requests, except those that a policy sends there on purpose (`pool:find`);
--- requests under way go on.
function backend:drain() end

--- Gives it another weight at once, on all workers; 0: nothing new, as `drain`. It lasts until
--- the config is loaded again, the agent is replaced, or the admin side or `discover` give it
--- another one.
---@param weight integer  0 to 1000
---@return boolean changed
function backend:set_weight(weight) end

--- Takes it out of service for a time. No check brings it back earlier; `backend:up()` does.
---@param seconds number
---@param reason string|nil
function backend:eject(seconds, reason) end

return backend
