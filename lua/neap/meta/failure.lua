---@meta

--- Why an attempt failed.
---@class neap.failure
---@field stage "connect"|"send"|"wait"|"body"  how far it got
---@field kind "refused"|"timeout"|"reset"|"protocol"|"status"|"tls"  what happened
---@field status integer|nil  the answer's, with kind `"status"`
---@field grpc_status integer|nil  of a gRPC call that failed by `retry.grpc_status`
---@field message string  in words, for the log
---@field ours boolean  a limit or a shortage of neap's own: no evidence against the backend
---@field kept boolean  a connection kept from an earlier request had ended: no evidence either
---@field safe boolean  the core would send this request again if you return `"retry"`
local failure = {}

return failure
