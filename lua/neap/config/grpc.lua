-- Statuses of gRPC calls, as people write them: numbers, or their names in any case.

local words = require "neap.words"

local grpc = {}

local numbers = words.numbers(words.grpc)

---@param value any  14, "UNAVAILABLE", "unavailable"
---@return integer?  -- nil: it is none
function grpc.status(value)
  if type(value) == "number" then return words.grpc[value] and value end
  return type(value) == "string" and numbers[value:upper()] or nil
end

return grpc
