---@meta

--- Why an attempt failed.
---@class neap.failure
---@field stage "connect"|"send"|"wait"|"body"  how far it came
---@field kind "refused"|"timeout"|"reset"|"protocol"|"status"|"tls"  what happened
---@field status integer|nil  the answer's, with kind `"status"`
---@field message string  in words, for the log
---@field safe boolean  the core would send this request again if you return `"retry"`
local failure = {}

return failure
