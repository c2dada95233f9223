-- What an answer must contain: a text, or { pattern = "…" }.

local pattern = require "neap.check.pattern"
local show = require "neap.config.show"

local matcher = {}

-- Made once for each text; a configuration has few of them.
local begins = {}

-- The text may lie across two pieces.
local function finder(wanted)
  local kept, is_found = "", false
  return function(piece)
    local text = kept .. piece
    is_found = is_found or text:find(wanted, 1, true) ~= nil
    kept = #wanted > 1 and text:sub(1 - #wanted) or ""
    return is_found
  end
end

-- For a text that comes in pieces: a function(piece) → whether it is in what came so far. A backend
-- may send single bytes: none is looked at twice.
---@param wanted string|table
---@return fun(piece: string): boolean
function matcher.begin(wanted)
  if type(wanted) == "string" then return finder(wanted) end
  local begin = begins[wanted.pattern] or pattern.begin(wanted.pattern)
  begins[wanted.pattern] = begin
  return begin()
end

-- Is it in that text?
---@param wanted string|table
---@return boolean
function matcher.is_in(wanted, text) return matcher.begin(wanted)(text) end

-- In an error: "'+PONG'", "the pattern '^220'".
---@return string
function matcher.describe(wanted)
  if type(wanted) == "string" then return show.value(wanted) end
  return "the pattern " .. show.value(wanted.pattern)
end

return matcher
