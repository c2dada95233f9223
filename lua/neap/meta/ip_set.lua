---@meta

--- A set that `neap.ip.set` made.
---@class neap.ip.set
local set = {}

--- Is the address in it? What is no address is in none: `""`, the `client_ip` on a unix socket.
---@param ip string
---@return boolean
function set:has(ip) end

return set
