-- By host or by path; all other requests go to the service's own pool.
local neap = require "neap"
local policy = {}

function policy.backends(request)
  if request.host == "api.example.org" or request.path:find "^/api/" then
    return neap.pool "api"
  end
end

return policy
