---@meta

--- The hooks of a policy. A policy file returns a table of them, or a function(options) that
--- returns one. Each is optional: an absent hook costs nothing, and the default policy decides.
--- An error in a hook is logged and counted, and the default policy makes that one decision (or the
--- answer is 503, with `guard = true` or `on_error = "refuse"` in the service).
---@class neap.policy
---@field every table<number, fun()>|nil  what the agent runs at start, after `start`, and then each
--- time so many seconds (0.1 or more) have passed: `{ [5] = function() … end }`. It may wait, and
--- take 60 s; a run is never joined by the next one
local policy = {}

--- Called when the head of a request has been read. May wait.
---@param request neap.request
---@return neap.reply|nil answer  `neap.reply { … }` answers here; nothing: the request goes on
function policy.request(request) end

--- Called next, to route the request. May wait.
---@param request neap.request
---@param pool neap.pool  the service's; nil when it has none
---@return neap.pool|nil pool  another one (`neap.pool "api"`) or a view of one; nothing: `pool`
function policy.backends(request, pool) end

--- Called for each attempt, to choose a backend. May wait. The pool has the backends that are up,
--- do not drain, have a free slot, were not tried by this request, and are in the lowest tier that
--- has any; it is never empty.
---@param request neap.request
---@param pool neap.pool
---@return neap.backend|nil backend  one of them, or a draining one got from `pool:find`; nil: 503
---@return string|nil reason  of the 503; or `"queue"`: the request waits (docs/queue.md)
function policy.pick(request, pool) end

--- Called when an attempt failed before any byte went to the client, or got an answer with a status
--- listed in `retry.status`. May wait.
---@param request neap.request
---@param backend neap.backend
---@param failure neap.failure
---@return "retry"|"fail"  the core refuses a retry that is not safe
function policy.failed(request, backend, failure) end

--- Called with the head of the winning answer, before it goes out. May wait for the answer's body
--- alone.
---@param request neap.request
---@param backend neap.backend
---@param response neap.response
function policy.response(request, backend, response) end

--- Called when neap is about to answer itself, for a request that was refused or found no
--- backend: not for gRPC calls, nor when a part of an answer went out. Cannot wait. (If the head
--- was refused, there are no headers; `method` and `path` are empty unless the request line was
--- good.)
---@param request neap.request
---@param status integer  that the answer would have
---@param reason string  why, as in `x-neap-error`
---@return neap.reply|nil answer  in its place, with `status` unless it has its own; nothing: the
--- page of `errors` in the config, or a short text
function policy.error(request, status, reason) end

--- Called once at the end of each request, whatever happened. Cannot wait. (If the head was
--- refused, `method` and `path` are empty unless the request line was good.)
---@param request neap.request
---@param outcome neap.outcome
function policy.log(request, outcome) end

--- Called in the agent, every `health.interval`, for each backend. May wait. A ready check may take
--- the function's place: `neap.check.http { path = "/health" }`.
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

--- Called in the agent once, when it begins: at start and at each reload, and again if the agent
--- had to be replaced. May wait, and take 60 s. Workers begin to serve when it has ended, or after
--- 10 s.
function policy.start() end

--- Called when a connection was accepted, before anything of it is read, also before a PROXY header
--- and a TLS handshake. Cannot wait. When it fails, the connection is let in (closed, with
--- `guard = true` or `on_error = "refuse"`).
---@param connection neap.connection
---@return "close"|nil answer  `"close"`: closed by a reset; nothing: let in
function policy.connection(connection) end

--- Called with each datagram of a client, in `mode = "udp"`: by what is its flow found? Cannot
--- wait. When it fails, the flow is found by the client's address and port (the datagram is
--- dropped, with `guard = true` or `on_error = "refuse"`). A ready one may take the function's
--- place: `neap.key.quic {}`; docs/udp.md says who may move a flow.
---@param datagram neap.datagram
---@return string|nil key  1 to 255 bytes; nil: by the client's address and port
---@return "client"|nil whose  `"client"`: each client has keys of its own; nothing: whoever sends
--- the key is the flow's client from now on
function policy.key(datagram) end

--- Called when a TLS client has said what it wants, before a session is resumed. May wait, for nine
--- tenths of `timeouts.handshake` in all. When it fails, the configured certificates are shown, or,
--- when there are none, the handshake ends with an alert.
---@param hello neap.hello
---@return neap.certificate|nil certificate  `neap.certificate { … }`; nothing: a configured one
function policy.certificate(hello) end

return policy
