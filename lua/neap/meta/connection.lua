---@meta

--- A connection that was just accepted. It belongs to the hook `connection`: keep values of it, not
--- the object.
---@class neap.connection
---@field client_ip string  the other end's; in front of a PROXY header that is the balancer before
---@field client_port integer
---@field service string  its name
local connection = {}

return connection
