-- Checks that the backend accepts a connection and, if the settings say so, sends what is expected,
-- on its own or when asked.

local dial = require "neap.check.dial"
local matcher = require "neap.check.matcher"
local show = require "neap.config.show"

local LOOKED_AT = 4096

local function disappointed(settings, bytes)
  local got = bytes == "" and "nothing" or show.value(bytes)
  return ("expected %s, got %s"):format(matcher.describe(settings.expect), got)
end

-- Reads until the expected text is there, or cannot come any more.
local function listen(settings, conn, deadline)
  local is_there, bytes = matcher.begin(settings.expect), ""
  while #bytes < LOOKED_AT do
    local more, why = conn:receive_some(LOOKED_AT - #bytes, dial.left(deadline))
    if not more and bytes ~= "" then break end
    if not more and why == "closed" then return false, "it closed the connection without a word" end
    if not more then return false, dial.why(settings, why) end
    bytes = bytes .. more
    if is_there(more) then return true end
  end
  return false, disappointed(settings, bytes)
end

local function talk(settings, conn, deadline)
  if settings.send then
    local ok, why = conn:send(settings.send, dial.left(deadline))
    if not ok then return false, dial.why(settings, why) end
  end
  if settings.expect then return listen(settings, conn, deadline) end
  return true
end

return function(settings, backend, addresses)
  return dial.check(settings, backend, addresses, function(conn, deadline)
    return talk(settings, conn, deadline)
  end)
end
