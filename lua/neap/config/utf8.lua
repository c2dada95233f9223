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

-- The position of the first wrong byte (a zero byte is wrong, too); nil if there is none.
---@param text string
---@param from integer?  where to begin to look, at a character's first byte
---@return integer?
function utf8.invalid_at(text, from)
  local at = text:find("[%z\128-\255]", from)
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

-- Puts another text in place of each wrong byte.
---@param text string
---@param with string
---@return string
function utf8.mended(text, with)
  local at = utf8.invalid_at(text)
  if not at then return text end
  local pieces, from = {}, 1
  while at do
    pieces[#pieces + 1], pieces[#pieces + 2] = text:sub(from, at - 1), with
    from = at + 1
    at = utf8.invalid_at(text, from)
  end
  return table.concat(pieces) .. text:sub(from)
end

return utf8
