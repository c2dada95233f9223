-- Requests with `X-Canary` go to the next release, all others to the current one. If no backend of
-- one group is up, the other group takes its requests.
local policy = {}

function policy.pick(request, pool)
  local release = request:header "x-canary" and "canary" or "stable"
  local group = pool:where("release", release)
  return (#group > 0 and group or pool):round_robin()
end

return policy
