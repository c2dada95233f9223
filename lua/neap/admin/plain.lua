-- Text from elsewhere for a terminal: no control characters (neither those of C1 nor those that
-- change the direction of text), nothing that is not UTF-8.

local utf8 = require "neap.config.utf8"

local plain = {}

-- Characters beyond ASCII that a terminal must not get.
local CONTROLS = { "\194[\128-\159]", "\216\156", "\226\128[\142\143\168-\174]",
  "\226\129[\166-\169]" }

---@return string  -- with ? for what a terminal must not get
function plain.text(value)
  local text = tostring(value)
  if not text:find "[%c\127-\255]" then return text end
  text = utf8.mended(text, "?"):gsub("[%c\127]", "?")
  for _, pattern in ipairs(CONTROLS) do
    text = text:gsub(pattern, "?") -- linear: nothing in them repeats
  end
  return text
end

return plain
