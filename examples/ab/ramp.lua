-- PUT /25: a quarter of the visitors gets B. Anything else tells the share.
local neap = require "neap"
local ab = neap.shared "ab"

local policy = {}

function policy.request(request)
  if request.method == "PUT" then
    local share = tonumber(request.path:match "^/([%d.]+)$")
    if not share or share > 100 then
      return neap.reply { status = 400, body = "a number from 0 to 100, as in PUT /25\n" }
    end
    ab:set("share", share)
  end
  return neap.reply { body = ("%g\n"):format(ab:get "share" or 0) }
end

return policy
