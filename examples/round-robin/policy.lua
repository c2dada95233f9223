-- Each backend in turn; one that takes no connection is out of service until a check finds it
-- alive.
local policy = {}

function policy.pick(_request, pool)
  return pool:round_robin()
end

function policy.failed(request, backend, failure)
  if failure.stage == "connect" then
    backend:down(failure.message)
    return "retry"
  end
  if failure.kind == "timeout" then
    return "fail" -- slow is not dead
  end
  backend:suspect(failure.message) -- a check decides: the request may be to blame
  return request.attempt == 1 and "retry" or "fail"
end

return policy
