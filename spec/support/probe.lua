-- C functions of the rooms of floors 1 and 2, for unit specs:
--
--   local probe = require "support.probe"
--   local lib = probe.load [[ size_t num_parse(const char *text, size_t length); ]]
--   lib.num_parse("12", 2)
--
--   probe.load(declarations) → library       declarations are given to ffi.cdef once
--   probe.ffi                                LuaJIT's ffi
--
-- The library is build/libneap_probe.so, or the path in $NEAP_PROBE.

local ffi = require "ffi"

local probe = { ffi = ffi }
local declared = {}
local library

-- Several specs in one process may need the same struct: it is declared once.
local function without_known(declarations)
  return (declarations:gsub("struct%s+([%w_]+)%s*%b{}%s*;", function(name)
    local is_known, size = pcall(ffi.sizeof, "struct " .. name)
    return is_known and size and "" or nil -- one that is only named has no size
  end))
end

function probe.load(declarations)
  if declarations and not declared[declarations] then
    ffi.cdef(without_known(declarations))
    declared[declarations] = true
  end
  library = library or ffi.load(os.getenv "NEAP_PROBE" or "build/libneap_probe.so")
  return library
end

return probe
