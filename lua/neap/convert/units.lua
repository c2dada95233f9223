-- Times and sizes as nginx and HAProxy write them.

local units = {}

local SECONDS = { us = 1e-6, ms = 0.001, s = 1, m = 60, h = 3600, d = 86400, w = 604800,
  M = 2592000, y = 31536000 }
local BYTES = { k = 1024, m = 2^20, g = 2^30 }

-- "1h30m", "500ms", "30": seconds; plain numbers are in `plain` seconds each.
---@param text string
---@param plain number
---@return number? seconds
function units.seconds(text, plain)
  if #text > 40 then return nil end
  local sum, at = 0, 1
  while at <= #text do
    local digits, unit, stop = text:match("^%s*(%d+)(%a*)()", at)
    local factor = digits and (unit == "" and plain or SECONDS[unit])
    if not factor then return nil end
    sum, at = sum + tonumber(digits) * factor, stop
  end
  return #text > 0 and sum or nil
end

---@param text string  "8k", "1m"
---@return number? bytes
function units.bytes(text)
  local digits, unit = text:match "^(%d+)(%a?)$"
  local factor = digits and (unit == "" and 1 or BYTES[unit:lower()])
  return factor and #digits < 16 and tonumber(digits) * factor or nil
end

return units
