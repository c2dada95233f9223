-- The default policy: each backend in turn, in exact order over all workers. A backend that takes
-- no connection is marked dead until a check finds it alive; one that takes it and then fails is
-- checked at once. The request goes on to the next one. Copy this file to make your own policy; for
-- hooks that you leave out, these are used.

local policy = {}

-- The pool holds the backends that may serve this request now. Weights count, and the turn is
-- shared by all workers.
function policy.pick(_request, pool)
  return pool:round_robin()
end

function policy.failed(request, backend, failure)
  if failure.stage == "connect" then
    backend:down(failure.message) -- "<url> is dead." in the log
    return "retry"
  end
  if failure.kind == "timeout" then
    return "fail" -- slow is not dead: one slow page must not take the backends down in turn
  end
  -- It took the connection, so the request itself may be to blame: it gets one more attempt, and a
  -- check decides about the backend. Three failures in a row take it out, too, unless it is the
  -- last one.
  backend:suspect(failure.message)
  return request.attempt == 1 and "retry" or "fail"
end

return policy
