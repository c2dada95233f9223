---@meta

--- A number that goes up and down, shared by all workers.
---@class neap.gauge
local gauge = {}

--- Sets it to n.
---@param n number
function gauge:set(n) end

--- Adds n, which may be negative.
---@param n number|nil  1 when absent
function gauge:add(n) end

--- Its value.
---@return number
function gauge:get() end

return gauge
