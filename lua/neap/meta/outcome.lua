---@meta

--- How a request ended. Times are seconds since its first byte; nil: that did not happen.
---@class neap.outcome
---@field status integer  what the client got; 0: nothing
---@field grpc_status integer|nil  how a gRPC call ended: 0 to 16; nil: the client got no
--- status, or it is no call
---@field backend neap.backend|nil  the last one tried
---@field attempts integer  how many began
---@field bytes integer  of the answer's body, sent to the client
---@field queued number  time in the queue, for a free slot; 0: it did not wait
---@field connect number|nil  time to reach the backend
---@field first_byte number|nil  time until the first byte of the answer
---@field total number  time until the last byte
---@field reason string|nil  why it ended as it did; nil when all went well
local outcome = {}

return outcome
