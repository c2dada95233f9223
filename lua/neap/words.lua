-- What C counts from 0 (src/shm/board.h, src/script/abi.h), in the words of policies.

local words = {
  states = { [0] = "unknown", "up", "down", "drain", "ejected" },
  stages = { [0] = "connect", "send", "wait", "body" },
  kinds = { [0] = "refused", "timeout", "reset", "protocol", "status", "tls" },
}

-- The other way round: word → number.
---@param list table<integer, string>
---@return table<string, integer>
function words.numbers(list)
  local numbers = {}
  for number, word in pairs(list) do numbers[word] = number end
  return numbers
end

return words
