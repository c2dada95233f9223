---@meta

--- A limit that `neap.limit` made (docs/limits.md).
---@class neap.limit.object
---@field name string
---@field burst number  how many may come at once
local limit = {}

--- Takes from it, in one atomic operation over all processes.
---@param key string|neap.request  who; the request stands for its client: its address, IPv6 by /64
---@param cost number|nil  1 when absent
---@return boolean passes  also when the store cannot be used; this is counted and logged
---@return number|nil wait  when it does not: seconds until it would; infinite when it costs more
---  than the burst
function limit:take(key, cost) end

--- What is left, without taking.
---@param key string|neap.request
---@return integer left
---@return number reset  seconds until the whole burst is left
function limit:look(key) end

return limit
