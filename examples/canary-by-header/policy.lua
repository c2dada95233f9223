-- Who sends `X-Canary` gets the next release, all others the current one; either group stands in
-- for the other when nothing of it is up.
local policy = {}

function policy.pick(request, pool)
  local release = request:header "x-canary" and "canary" or "stable"
  local group = pool:where("release", release)
  return (#group > 0 and group or pool):round_robin()
end

return policy
