-- A backend is healthy if it says so, and if not too many jobs wait in it.
local neap = require "neap"
local policy = {}

local JOBS_MAX = 100

function policy.check(backend)
  local answer, why = neap.http.get(backend.url .. "/status")
  if not answer then return false, why end
  local status = neap.json.decode(answer.body)
  if answer.status ~= 200 or not status then return false, "no status" end
  if status.jobs > JOBS_MAX then return false, ("%d jobs wait"):format(status.jobs) end
  return true
end

return policy
