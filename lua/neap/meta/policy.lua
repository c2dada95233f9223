---@meta

--- The hooks of a policy. A policy file returns a table of them, or a function(options) that
--- returns one. Each is optional: what is absent costs nothing, and the default policy decides.
--- An error in a hook is logged and counted, and that one decision is the default's (or 503 with
--- `on_error = "refuse"`).
---@class neap.policy
local policy = {}

--- Called when the head of a request was read. May wait.
---@param request neap.request
---@return neap.reply|nil answer  `neap.reply { … }` answers here; nothing: the request goes on
function policy.request(request) end

--- Called then, to route. May wait.
---@param request neap.request
---@param pool neap.pool  the service's; nil when it has none
---@return neap.pool|nil pool  another one (`neap.pool "api"`) or a view of one; nothing: `pool`
function policy.backends(request, pool) end

--- Called for each attempt, to choose. May wait. The pool holds what is up, not draining, has a
--- free slot, was not tried by this request, and is of the lowest tier that has any; it is never
--- empty.
---@param request neap.request
---@param pool neap.pool
---@return neap.backend|nil backend  one of them, or a draining one got from `pool:find`; nil: 503
---@return string|nil reason  of the 503; or `"queue"`: the request waits, and `pick` is asked again
---when a slot is free (docs/queue.md)
function policy.pick(request, pool) end

--- Called when an attempt failed before any byte went to the client, or answered a status listed
--- in `retry.status`. May wait.
---@param request neap.request
---@param backend neap.backend
---@param failure neap.failure
---@return "retry"|"fail"  the core refuses a retry that is not safe
function policy.failed(request, backend, failure) end

--- Called with the head of the winning answer, before it goes out. Cannot wait.
---@param request neap.request
---@param backend neap.backend
---@param response neap.response
function policy.response(request, backend, response) end

--- Called at the end of each request, once, whatever happened. Cannot wait. (Of a request whose
--- head was refused, `method` and `path` are empty unless its first line was good.)
---@param request neap.request
---@param outcome neap.outcome
function policy.log(request, outcome) end

--- Called in the agent, every `health.interval`, for each backend. May wait. In place of the
--- function, a ready check may stand: `neap.check.http { path = "/health" }`.
---@param backend neap.backend
---@return boolean alive
---@return string|nil reason  why it is not
function policy.check(backend) end

--- Called in the agent, at start and every `discover.interval`. May wait. When it fails, the pool
--- stays as it is.
---@param pool neap.pool
---@return (string|neap.config.backend)[] backends  as in the configuration
function policy.discover(pool) end

--- Called in the agent after each change of state. May wait.
---@param backend neap.backend
---@param old string  the state it had
---@param new string  the state it has
---@param reason string|nil
function policy.changed(backend, old, new, reason) end

return policy
