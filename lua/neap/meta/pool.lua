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

--- The next backend in turn, exact over all workers, in proportion to the weights. A view has turns
--- of its own.
---@return neap.backend|nil backend  nil only for an empty view
function pool:round_robin() end

--- The backend with the fewest unfinished requests, in proportion to the weights. Equal ones take
--- turns, by weight, exact over all workers.
---@return neap.backend|nil backend  nil only for an empty view
function pool:least_loaded() end

--- The least loaded of n backends that are drawn at random, by weight.
---@param n integer|nil  1 when absent
---@return neap.backend|nil backend  nil only for an empty view
function pool:random(n) end

--- The backend that this key belongs to: the same one as long as it is in the pool. When others
--- come or go, few keys move.
---@param key string|number
---@return neap.backend|nil backend  nil only for an empty view
function pool:hash(key) end

--- The first backend.
---@return neap.backend|nil backend  nil only for an empty view
function pool:first() end

--- The backends whose field or tag has this value, as a pool, which may be empty.
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
