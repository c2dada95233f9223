-- Calls with the metadata `x-job` go to the servers for batch jobs; others never do. Methods below
-- /shop.Admin/ are for nobody.

local neap = require "neap"

local policy = {}

function policy.request(request)
  if request.path:find "^/shop%.Admin/" then
    return neap.reply { status = 403, body = "not from outside" } -- PERMISSION_DENIED
  end
end

function policy.backends(request, pool)
  return pool:where("zone", request:header "x-job" and "batch" or "online")
end

-- How calls ended, one line for each that did not end well.
function policy.log(request, outcome)
  if outcome.grpc_status and outcome.grpc_status ~= 0 then
    neap.log.info("%s ended with gRPC status %d", request.path, outcome.grpc_status)
  end
end

return policy
