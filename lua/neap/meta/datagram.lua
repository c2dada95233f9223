---@meta

--- A datagram of a client. It belongs to the hook `key`: keep values of it, not the object.
---@class neap.datagram
---@field bytes string
---@field client_ip string
---@field client_port integer
local datagram = {}

return datagram
