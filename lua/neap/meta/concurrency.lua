---@meta

--- A limit on how many are somewhere at once, that `neap.concurrency` made (docs/limits.md).
---@class neap.concurrency.object
---@field name string
---@field limit number  how many may be in there at once
local concurrency = {}

--- The request of this hook enters, in one atomic operation over all processes, and is counted
--- until it ends, however it does. One that is in there already stays, and is counted once.
---@param key string|neap.request  where; the request stands for its client: its address, IPv6 by
---  /64
---@return boolean enters  also when the store cannot be used; this is counted and logged
function concurrency:enter(key) end

--- The request of this hook leaves before its end.
---@param key string|neap.request
---@return boolean left  false: it was not in there
function concurrency:leave(key) end

--- How many are in there.
---@param key string|neap.request
---@return integer
function concurrency:inside(key) end

return concurrency
