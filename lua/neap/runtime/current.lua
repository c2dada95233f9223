-- What C is about at this moment, and texts across the border.

local ffi = require "neap.ffi"

local C, string_of = ffi.C, ffi.string

local current = { state = C.neap_runtime() }
local state = current.state

-- The text that the last call into C left.
function current.out() return string_of(state.out, state.out_n) end

-- enum edits_result in words.
local REFUSALS = {
  "too many changes of headers in one message (64 changes, 16 KiB)",
  "'%s' is not a header's name",
  "the value of '%s' has bytes that a header cannot have",
  "'%s' belongs to the connection: it cannot be changed",
  "out of memory for '%s'",
}

-- Raises the caller's caller's error for a header that C refused.
function current.refused(code, name)
  error((REFUSALS[tonumber(code)] or "'%s' was refused"):format(name), 3)
end

return current
