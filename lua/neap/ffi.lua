-- The one file that requires ffi: the declarations of src/script/abi.h, and the check that they are
-- those of the binary around.

local native = require "neap.native"
local ffi = require "ffi"

local ABI_VERSION = 1

ffi.cdef(native.embedded "abi.h")

local found = tonumber(ffi.C.neap_abi_version())
if found ~= ABI_VERSION then
  error(("the runtime is made for ABI %d, the binary has %d"):format(ABI_VERSION, found), 0)
end

return ffi
