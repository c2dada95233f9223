---@meta

local neap = {}

--- Regular expressions of Perl's kind (PCRE2), compiled to machine code. Texts have 256 KiB at
--- most; a match that takes too long ends with nil and why, whatever the pattern and the text are.
---@class neap.regex
neap.regex = {}

--- Compiles a pattern; make it once, at the top of the file. Up to 200 are kept, for whoever asks
--- again.
---@param pattern string
---@param flags string|nil  `i` without regard to case, `m` lines have beginnings and ends, `s` a
--- dot is a newline too, `x` blanks and comments in the pattern, `u` characters of UTF-8
---@return neap.regex.pattern|nil regex  nil when the pattern is wrong
---@return string|nil reason
function neap.regex.new(pattern, flags) end

return neap
