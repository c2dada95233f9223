---@meta

--- A connection that a hook opened. It is closed when the hook ends. The functions may wait.
---@class neap.socket
local socket = {}

--- Sends all of it.
---@param bytes string
---@param timeout number|nil  seconds
---@return true|nil done  nil when it failed
---@return string|nil reason
function socket:send(bytes, timeout) end

--- Receives. `"line"`: up to the next line end, which is left out; a number: that many bytes;
--- `"*a"`: everything until the other side closes.
---@param what string|integer|nil  `"line"` when absent
---@param timeout number|nil  seconds
---@return string|nil bytes  nil when it failed
---@return string|nil reason
function socket:receive(what, timeout) end

--- Closes it.
function socket:close() end

return socket
