---@meta

--- One request, as the client sent it. In `mode = "tcp"` it has only the connection's fields:
--- `id`, `client_ip`, `client_port`, `attempt`, `time`, `ctx`. It belongs to the hooks of this
--- request: keep values of it, not the object.
---@class neap.request
---@field id string  unique over all workers
---@field method string|nil  as sent: `"GET"`
---@field path string|nil  the path as sent, without the query; `"*"` for `OPTIONS *`
---@field query string|nil  what follows the `?`; nil without one
---@field host string|nil  the `Host` field, or the host of an absolute target
---@field scheme "http"|"https"|"tcp"  how the client came
---@field version string|nil  `"1.0"` or `"1.1"`
---@field client_ip string  as the trust rule of `forwarded` sees it; `""` on unix sockets
---@field client_port integer
---@field attempt integer  1 at the first pick, then one more for each retry
---@field time number  when its first byte came: seconds since 1970, with fractions
---@field ctx table  empty at first; what hooks of this request keep for each other
local request = {}

--- A field of its head, several of one name joined by `", "`; nil when it is absent.
---@param name string  without regard to case
---@return string|nil value
function request:header(name) end

--- Sets a field that goes to the backend, in place of all of that name; nil takes it out. Fields
--- that frame the message (`Content-Length`, `Transfer-Encoding`, `Connection`, …) cannot be set.
---@param name string
---@param value string|nil
function request:set_header(name, value) end

--- A cookie of the `Cookie` field; nil when it is absent.
---@param name string  with regard to case
---@return string|nil value
function request:cookie(name) end

--- Sends another path to the backend (behind its base path).
---@param path string  begins with `/`, may have a query of its own, else the client's is kept
function request:set_path(path) end

return request
