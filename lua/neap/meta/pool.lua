---@meta

--- Backends by number: `#pool` is how many there are, `pool[1]` is the first, in the order of the
--- configuration. In `pick` they are those that may serve this request now; there is at least
--- one.
---@class neap.pool
---@field [integer] neap.backend
---@field name string
---@field all neap.backend[]  all backends, whatever their state
---@field options table  its `health`, `discover`, `keepalive`, `retry`, `timeouts`
local pool = {}

--- The next in turn, exact over all workers, in proportion to the weights. A view has a turn of its
--- own.
---@return neap.backend|nil backend  nil only of an empty view
function pool:round_robin() end

--- The one with the fewest unfinished requests, in proportion to the weights; equal ones in turn.
---@return neap.backend|nil backend  nil only of an empty view
function pool:least_loaded() end

--- The least loaded of n that are drawn at random, by weight.
---@param n integer|nil  1 when absent
---@return neap.backend|nil backend  nil only of an empty view
function pool:random(n) end

--- The one that this key belongs to: the same as long as it is here, and when others come or go
--- few keys move.
---@param key string|number
---@return neap.backend|nil backend  nil only of an empty view
function pool:hash(key) end

--- The first one.
---@return neap.backend|nil backend  nil only of an empty view
function pool:first() end

--- Those whose field or tag has this value; a pool again, maybe an empty one.
---@param field string  `name`, `host`, `port`, `zone`, `state`, `weight`, or the name of a tag
---@param value string|number|boolean
---@return neap.pool
function pool:where(field, value) end

--- The backend of that name, if it may serve now or drains; else nil.
---@param name string
---@return neap.backend|nil
function pool:find(name) end

--- A number that all workers share, under a name of this pool.
---@param name string
---@return neap.counter
function pool:counter(name) end

return pool
