---@meta

--- A pattern that `neap.regex.new` made.
---@class neap.regex.pattern
local pattern = {}

--- The first match and its groups: `found[0]` is the whole, `found[1]` the first group (false: it
--- took no part), `found.name` that of `(?<name>…)`.
---@param text string
---@param init integer|nil  where to begin, 1 when absent
---@return table|nil found  nil when there is none
---@return string|nil reason  when it could not be said
function pattern:match(text, init) end

--- Where the first match begins and ends.
---@param text string
---@param init integer|nil
---@return integer|nil first  nil when there is none
---@return integer|string|nil last  or the reason, when it could not be said
function pattern:find(text, init) end

--- Replaces all matches.
---@param text string
---@param by string|fun(found: table): string|nil  `$1`, `${name}`, `$0` the whole, `$$` a dollar;
--- a function that returns nil keeps what was found
---@param max integer|nil
---@return string|nil result  nil when it could not be said
---@return integer|string count  or the reason
function pattern:gsub(text, by, max) end

return pattern
