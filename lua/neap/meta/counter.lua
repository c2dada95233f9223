---@meta

--- A number that all workers share.
---@class neap.counter
local counter = {}

--- Adds one; returns what it was before, from 0.
---@return integer
function counter:next() end

--- Adds n; returns what it was before.
---@param n integer|nil  1 when absent
---@return integer
function counter:add(n) end

--- Its value.
---@return integer
function counter:get() end

return counter
