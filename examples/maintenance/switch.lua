-- PUT /on, PUT /on?seconds=3600 (then it ends by itself), PUT /off. Anything else tells how it is.
local neap = require "neap"
local flags = neap.shared "flags"

local policy = {}

local function state()
  local left = flags:ttl "maintenance"
  if not left then return "off\n" end
  return left > 0 and ("on for %.0f s\n"):format(left) or "on\n"
end

function policy.request(request)
  local arguments = request:args() or {}
  local seconds = tonumber(arguments.seconds or 0)
  if not seconds or not (seconds >= 0 and seconds <= 1e6) then
    return neap.reply { status = 400, body = "seconds: a number up to 1000000\n" }
  end
  if request.method == "PUT" and request.path == "/on" then
    flags:set("maintenance", true, seconds)
  elseif request.method == "PUT" and request.path == "/off" then
    flags:delete "maintenance"
  end
  return neap.reply { body = state() }
end

return policy
