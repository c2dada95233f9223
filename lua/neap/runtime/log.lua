-- neap.log: lines for the log, one line an entry.

local ffi = require "neap.ffi"

local C = ffi.C

local log = {}

local LEVELS = { debug = 0, info = 1, warn = 2, error = 3 }

for name, level in pairs(LEVELS) do
  log[name] = function(format, ...)
    local text = select("#", ...) > 0 and format:format(...) or tostring(format)
    C.neap_log(level, text, #text)
  end
end

return log
