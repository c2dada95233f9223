-- Room that C fills and the runtime reads before it does anything else. There is one of each in a
-- process, however many runtimes are in it (see instance.lua): they are large.

local ffi = require "neap.ffi"

return { scan = ffi.new "neap_scan", left = ffi.new "neap_left" }
