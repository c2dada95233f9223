-- Is this UTF-8 (RFC 3629)?

local utf8 = {}

-- First bytes, what may follow at once, and how many further ones.
local function sequence(first)
  if first >= 0xC2 and first <= 0xDF then return 0x80, 0xBF, 1 end
  if first == 0xE0 then return 0xA0, 0xBF, 2 end
  if first == 0xED then return 0x80, 0x9F, 2 end
  if first >= 0xE1 and first <= 0xEF then return 0x80, 0xBF, 2 end
  if first == 0xF0 then return 0x90, 0xBF, 3 end
  if first >= 0xF1 and first <= 0xF3 then return 0x80, 0xBF, 3 end
  if first == 0xF4 then return 0x80, 0x8F, 3 end
end

-- The position of the first byte that does not belong, zero bytes included; nil when all is well.
---@param text string
---@return integer?
function utf8.invalid_at(text)
  local at = text:find "[%z\128-\255]"
  while at do
    local low, high, more = sequence(text:byte(at))
    if not low then return at end
    for i = 1, more do
      local byte = text:byte(at + i)
      if not byte or byte < low or byte > high then return at end
      low, high = 0x80, 0xBF
    end
    at = text:find("[%z\128-\255]", at + more + 1)
  end
  return nil
end

return utf8
