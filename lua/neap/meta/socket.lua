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

--- Receives up to a delimiter, which is left out.
---@param delimiter string  1 to 64 bytes
---@param max integer|nil  bytes before it, at most; 65536 when absent
---@param timeout number|nil  seconds
---@return string|nil bytes  nil when it failed
---@return string|nil reason
function socket:receive_until(delimiter, max, timeout) end

--- Receives what has come: at least a byte.
---@param max integer  bytes
---@param timeout number|nil  seconds
---@return string|nil bytes  nil when it failed
---@return string|nil reason
function socket:receive_some(max, timeout) end

--- Closes it.
function socket:close() end

return socket
