-- Answers that need no backend: a health endpoint, a redirect, and a page for when nothing is up.
local neap = require "neap"
local policy = {}

local SORRY = neap.reply {
  status = 503,
  headers = { ["Content-Type"] = "text/html; charset=utf-8", ["Retry-After"] = "30" },
  body = "<!doctype html><title>Back soon</title><p>We are working on it. Back soon.</p>\n",
}

function policy.request(request)
  local web = neap.pool "web"
  if request.path == "/healthz" then
    return neap.reply { status = #web > 0 and 200 or 503, body = ("%d up\n"):format(#web) }
  end
  local page = request.path:match "^/blog/(.*)"
  if page then
    return neap.reply { status = 301, headers = { Location = "/news/" .. page } }
  end
  if #web == 0 then return SORRY end
end

return policy
