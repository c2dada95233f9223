-- The one file that requires ffi: the declarations of src/script/abi.h, and the check that they are
-- those of the binary around. Without a binary, the test kit's functions stand in for C's.

local native = require "neap.native"
local ffi = require "ffi"

local ABI_VERSION = 9

-- A test runner may load this more than once into one process.
if not pcall(ffi.typeof, "neap_current") then ffi.cdef(native.embedded "abi.h") end

-- The numbers of C's enums, for whoever takes the place of C's functions too:
-- ffi.numbers.NEAP_HOOK_PICK.
ffi.numbers = ffi.C

if native.is_plain then
  local plain = {}
  for name, value in pairs(ffi) do
    if name ~= "C" then plain[name] = value end
  end
  -- How many kinds of objects were declared in this process. Kept there, because a test runner
  -- remembers declarations for as long, and loads this file more than once.
  function plain.count_kind()
    ffi.neap_kinds = (rawget(ffi, "neap_kinds") or 0) + 1
    return ffi.neap_kinds
  end
  return setmetatable(plain, {
    __index = function(self, key)
      if key ~= "C" then return nil end
      local C = require("neap.testing.host").new({}).C
      rawset(self, "C", C)
      return C
    end,
  })
end

local found = tonumber(ffi.C.neap_abi_version())
if found ~= ABI_VERSION then
  error(("the runtime is made for ABI %d, the binary has %d"):format(ABI_VERSION, found), 0)
end

return ffi
