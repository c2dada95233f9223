---@meta

--- The head of the answer that goes to the client.
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

return response
