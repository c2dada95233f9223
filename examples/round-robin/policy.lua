-- Each backend in turn; what fails is out of service until a check finds it alive.
local policy = {}

function policy.pick(_request, pool)
  return pool:round_robin()
end

function policy.failed(request, backend, failure)
  if failure.kind == "timeout" and failure.stage ~= "connect" then
    return "fail" -- slow is not dead
  end
  backend:down(failure.message)
  return (failure.stage == "connect" or request.attempt == 1) and "retry" or "fail"
end

return policy
