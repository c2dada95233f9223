-- Why a step of getting a certificate failed, as a table: `text` for people, and where they are
-- known `type` (of the CA's problem document, without its prefix) and `after` (seconds that the CA
-- wants to be left alone for).

local fault = {}

local TEXT_MAX = 300
local AFTER_MAX = 24 * 3600

-- What others sent, fit for a line of the log.
---@param text any
---@return string
function fault.clean(text)
  text = tostring(text):gsub("[%c\127-\255]+", " ")
  if #text > TEXT_MAX then text = text:sub(1, TEXT_MAX) .. "..." end
  return text
end

---@param text string  may have values of others
---@return nil, table
function fault.new(text, kind, after)
  return nil, { text = fault.clean(text), type = kind, after = after }
end

-- In front of the words: what was wanted.
function fault.at(what, failure)
  if type(failure) ~= "table" then failure = { text = fault.clean(failure) } end
  return nil, {
    text = fault.clean(what .. ": " .. failure.text), type = failure.type, after = failure.after,
  }
end

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9,
  Oct = 10, Nov = 11, Dec = 12 }

-- Days since 1970 of a date of the Gregorian calendar.
local function days_of(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

-- Retry-After (RFC 9110 §10.2.3): seconds, or a date.
---@param value string?
---@param wall number  seconds since 1970
---@return number? seconds  0 to a day
function fault.retry_after(value, wall)
  if not value then return nil end
  local seconds = value:match "^%d%d?%d?%d?%d?%d?%d?%d?%d?$" and tonumber(value)
  if not seconds then
    local day, name, year, hour, minute, second =
      value:match "^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$"
    if not day or not MONTHS[name] then return nil end
    seconds = days_of(tonumber(year), MONTHS[name], tonumber(day)) * 86400 + hour * 3600
      + minute * 60 + second - wall
  end
  return math.min(math.max(seconds, 0), AFTER_MAX)
end

return fault
