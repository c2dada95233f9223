-- The request that C works on at this moment, and texts that go between C and Lua.

local ffi = require "neap.ffi"

local C, N, string_of = ffi.C, ffi.numbers, ffi.string

local current = { state = C.neap_runtime() }
local state = current.state

-- The text that the last call into C left.
function current.out() return string_of(state.out, state.out_n) end

-- enum edits_result in words.
local REFUSALS = {
  [N.NEAP_EDITS_FULL] = ("too many changes of headers in one message (%d changes, %d KiB)")
    :format(N.NEAP_EDITS_MAX, N.NEAP_EDITS_BYTES_MAX / 1024),
  [N.NEAP_EDITS_BAD_NAME] = "'%s' is not a header's name",
  [N.NEAP_EDITS_BAD_VALUE] = "the value of '%s' has bytes that a header cannot have",
  [N.NEAP_EDITS_FORBIDDEN] = "'%s' belongs to the connection: it cannot be changed",
  [N.NEAP_EDITS_MEMORY] = "out of memory for '%s'",
}

-- Raises the error for a header that C refused: the caller's caller's, or of that level, as `error`
-- counts.
function current.refused(code, name, level)
  error((REFUSALS[tonumber(code)] or "'%s' was refused"):format(name), level or 3)
end

return current
