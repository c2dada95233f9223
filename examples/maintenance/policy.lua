-- While the switch is on, everybody gets a page, but for those who work on it.
local neap = require "neap"
local flags = neap.shared "flags"

local OURS = assert(neap.ip.set { "10.1.0.0/16", "2001:db8:1::/48", "127.0.0.2" })
local PAGE = neap.reply {
  status = 503, file = "page.html",
  headers = { ["Retry-After"] = "600", ["Cache-Control"] = "no-store" },
}

local policy = {}

function policy.request(request)
  if flags:get "maintenance" and not OURS:has(request.client_ip) then return PAGE end
end

return policy
