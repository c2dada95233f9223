---@meta

--- One request, as the client sent it. In `mode = "tcp"` it has only the connection's fields:
--- `id`, `client_ip`, `client_port`, `scheme`, `attempt`, `time`, `ctx`, `tls` where TLS ends here,
--- and those of its ClientHello (`sniff = "tls"`): `sni`, `alpn`, `ja4`. It belongs to the hooks of
--- this request: keep values of it, not the object.
---@class neap.request
---@field id string  unique over all workers
---@field method string|nil  as sent: `"GET"`
---@field path string|nil  the path as sent, without the query; `"*"` for `OPTIONS *`
---@field target_path string|nil  the path that goes to the backend: what `set_path` made of it
---@field normal_path string|nil  the normalised path, for rules (`neap.url.path`); nil when servers
--- take it differently: answer 400
---@field query string|nil  what follows the `?` as sent; nil without one
---@field host string|nil  the `Host` field, or the host of an absolute target
---@field scheme "http"|"https"|"tcp"  how the client connected
---@field version string|nil  `"1.0"`, `"1.1"` or `"2"`
---@field client_ip string  as the trust rule of `forwarded` sees it; `""` on unix sockets
---@field client_port integer
---@field attempt integer  1 at the first pick, then one more for each retry
---@field time number  when its first byte came: seconds since 1970, with fractions
---@field sni string|nil  the host that the client asked for in its ClientHello (`sniff`), in
--- lower case, or as a PROXY header says; nil when there is none, or it is no name of a host
---@field alpn string[]|nil  from there, too: the protocols that the client offers, maybe none; in
--- a PROXY header, the one that was agreed on; nil when nothing is known of its TLS
---@field ja4 string|nil  the fingerprint (JA4) of the client of a service with `sniff`
---@field tls neap.tls|nil  the client's TLS that neap has ended; nil in the clear
---@field key string|nil  of a flow of datagrams: what the hook `key` returned for the first of them
---@field ctx table  empty at first; values that the hooks of this request pass to each other
local request = {}

--- A field of its head, several of one name joined by `", "`; nil when it is absent.
---@param name string  without regard to case
---@return string|nil value
function request:header(name) end

--- All fields of its head, in their order, with what hooks changed; those that they set come last:
--- `for name, value in request:headers() do … end`.
---@return fun(): string|nil, string  the name in lower case, and the value
function request:headers() end

--- The arguments of its query, as of `neap.url.args`.
---@param max integer|nil  more arguments are an error; 100 when absent
---@return table<string, string>|nil first  by name; of several, the first
---@return table[]|string list  all in their order, `{ name, value }` each; or the reason
function request:args(max) end

--- Sets a field that goes to the backend, in place of all fields of that name; nil removes it.
--- Fields that frame the message (`Content-Length`, `Transfer-Encoding`, `Connection`, …) cannot be
--- set.
---@param name string
---@param value string|nil
function request:set_header(name, value) end

--- A cookie of the `Cookie` field; nil when it is absent.
---@param name string  with regard to case
---@return string|nil value
function request:cookie(name) end

--- All cookies of that name, in their order. A browser sends several if it still has an old one of
--- another path or domain.
---@param name string  with regard to case
---@return string[] values
function request:cookies(name) end

--- Sends another path to the backend (after its base path).
---@param path string  begins with `/`, may have a query of its own, else the client's is kept
function request:set_path(path) end

--- Its body, without a chunk coding; `""` when it has none. If it is not here yet, the hook waits
--- for the rest, as long as `timeouts.client_body` allows between two pieces (then: 408), and if
--- the client leaves, the hook ends. The bytes are kept: they go on to the backend as they came, to
--- another one after a failure, too. Only in hooks that may wait: `request`, `backends`, `pick`,
--- `failed`. nil and why: `"too long"` (it has more than `max` bytes: it goes on to the backend as
--- it comes), `"over limits.body_bytes"` (it will not be passed on: the client gets 413 once the
--- hooks have decided, unless one of them allows more), `"it was sent already"` (in `failed`, when
--- it was not kept), `"too many hooks wait for bodies"`, `"not recorded"` (in `neap replay`, and in
--- a shadow).
---@param max integer?  bytes, at most (and by default) `limits.hook_body_bytes`
---@return string|nil bytes, string|nil why
function request:body(max) end

--- Sends these bytes to the backend instead of the client's body, with a `Content-Length`, without
--- its trailers. The client's own body is read to its end first, so this waits and fails as
--- `request:body()` does. Fields that describe the body (`Content-Type`, `Content-Encoding`,
--- `Content-Digest`, …) stay as they are: the policy sets them. The bytes of a gRPC call are its
--- messages with their prefixes.
---@param bytes string  at most 16 MiB
---@return boolean|nil is_set, string|nil why
function request:set_body(bytes) end

--- The most that its body may have, in place of the service's `limits`: less or more. 413 if it has
--- more; a body in chunks is counted as it comes. More than the service allows can be set in
--- `request` and `backends`; the service's limit holds once they have decided.
---@param limits {body_bytes: integer|false}
function request:limits(limits) end

--- The deadlines of this request, in place of its pool's and service's; false: none. `request`
--- counts from the request's beginning; the others hold for attempts that begin later, and are
--- rounded up to two significant digits (1.234 becomes 1.3 seconds). In `request`, `backends`,
--- `pick` and `failed`.
---@param timeouts {connect: number|false|nil, response: number|false|nil,
---  attempt: number|false|nil, stream_idle: number|false|nil, request: number|false|nil}
function request:timeouts(timeouts) end

--- How this request is tried again, in place of its pool's `retry`, for attempts that begin later.
---@param retry {attempts: integer|"all"|nil, unsafe: boolean|nil, status: (integer|string)[]|nil}
function request:retry(retry) end

return request
