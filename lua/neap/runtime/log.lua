-- neap.log: lines for the log, one line per entry.

local ffi = require "neap.ffi"

local C = ffi.C

local log = {}

for level, name in pairs(require("neap.words").levels) do
  log[name] = function(format, ...)
    local text = select("#", ...) > 0 and format:format(...) or tostring(format)
    C.neap_log(level, text, #text)
  end
end

return log
