-- What is in the stores of neap.shared, for status and metrics.

local ffi = require "neap.ffi"

local C = ffi.C

local stores = {}

local counts = ffi.new "neap_store_counts"
local current = C.neap_runtime()

---@return table[]  in the order of their names: name, and the fields of neap_store_counts
function stores.list()
  local list = {}
  while C.neap_count_store(#list, counts) == 1 do
    list[#list + 1] = { name = ffi.string(current.out, current.out_n),
      bytes = counts.bytes, used = counts.used, entries = counts.entries,
      evicted = counts.evicted, expired = counts.expired,
      hits = counts.hits, misses = counts.misses }
  end
  return list
end

return stores
