-- What an answer must contain: a text, or { pattern = "…" }.

local pattern = require "neap.check.pattern"
local show = require "neap.config.show"

local matcher = {}

-- Made once for each text, of which a configuration has few.
local functions = {}

-- A function(subject) → boolean for it.
---@param wanted string|table
---@return fun(subject: string): boolean
function matcher.new(wanted)
  if type(wanted) == "string" then
    return function(subject) return subject:find(wanted, 1, true) ~= nil end
  end
  local made = functions[wanted.pattern] or pattern.new(wanted.pattern)
  functions[wanted.pattern] = made
  return made
end

-- In an error: "'+PONG'", "the pattern '^220'".
---@return string
function matcher.describe(wanted)
  if type(wanted) == "string" then return show.value(wanted) end
  return "the pattern " .. show.value(wanted.pattern)
end

return matcher
