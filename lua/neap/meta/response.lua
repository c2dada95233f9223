---@meta

--- The answer that goes to the client: its head, and its body for those who ask.
---@class neap.response
---@field status integer
---@field grpc_status integer|nil  of a gRPC call that ended at once; else it comes after the body,
--- and only `outcome` has it
---@field latency number  seconds from sending the request to the first byte of this answer
local response = {}

--- A field of its head, several of one name joined by `", "`; nil when it is absent.
---@param name string  without regard to case
---@return string|nil value
function response:header(name) end

--- All fields of its head, in their order, with what hooks changed; those that they set come last.
---@return fun(): string|nil, string  the name in lower case, and the value
function response:headers() end

--- Sets a field, in place of all fields of that name; nil removes it.
---@param name string
---@param value string|nil
function response:set_header(name, value) end

--- Adds a field beside those of its name (`Set-Cookie`).
---@param name string
---@param value string
function response:add_header(name, value) end

--- Its body, without a chunk coding; `""` when it has none. If it is not here yet, the hook waits
--- for the rest, as long as `timeouts.stream_idle` allows between two pieces; none of the answer
--- goes out meanwhile. A backend that breaks it off, or is late, has failed in stage `"body"`: this
--- hook ends, `failed` is asked, and another answer comes here anew. nil and why: `"too long"` (it
--- has more than `max` bytes: it goes on to the client as it comes), `"it is malformed"`, `"too
--- many hooks wait for bodies"`, `"not recorded"` (in `neap replay`).
---@param max integer?  bytes, at most (and by default) `limits.hook_body_bytes`
---@return string|nil bytes, string|nil why
function response:body(max) end

--- Sends these bytes to the client instead of the backend's body, with a `Content-Length`, without
--- its trailers (those of a gRPC call stay). The backend's own body is read to its end first, so
--- this waits and fails as `response:body()` does. Where no body may be (after HEAD, with 204 and
--- 304) none goes out, and no length. Fields that describe the body (`Content-Type`,
--- `Content-Encoding`, `Content-Range`, `ETag`, …) stay as they are: the policy sets them.
---@param bytes string  at most 16 MiB
---@return boolean|nil is_set, string|nil why
function response:set_body(bytes) end

return response
