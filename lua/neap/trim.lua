-- Takes characters off the ends of texts, in time that grows with the text alone: a pattern like
-- `[ \t]+$` begins anew at each blank.

local trim = {}

local BLANKS = { [9] = true, [10] = true, [11] = true, [12] = true, [13] = true, [32] = true }
local IN_FIELD = { [9] = true, [32] = true }
local SLASH = { [47] = true }

local function ends(text, first, set)
  local last = #text
  while last >= first and set[text:byte(last)] do last = last - 1 end
  return text:sub(first, last)
end

-- Without blanks and line ends at both ends.
---@param text string
---@return string
function trim.blanks(text) return ends(text, text:find "%S" or #text + 1, BLANKS) end

-- Without the blanks and tabs around a field's value (RFC 9110 §5.6.3).
---@param text string
---@return string
function trim.field(text) return ends(text, text:find "[^ \t]" or #text + 1, IN_FIELD) end

-- Without the slashes at its end.
---@param text string
---@return string
function trim.slashes(text) return ends(text, 1, SLASH) end

return trim
