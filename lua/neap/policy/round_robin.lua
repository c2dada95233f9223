-- The default policy: each backend in turn, exactly so over all workers; what fails is marked dead
-- until a check finds it alive, and the request goes on to the next one. Copy this file to make
-- your own; hooks that you leave out are these.

local policy = {}

-- The pool holds the backends that may serve this request now. Weights count, and the turn is
-- shared by all workers.
function policy.pick(_request, pool)
  return pool:round_robin()
end

function policy.failed(request, backend, failure)
  if failure.kind == "timeout" and failure.stage ~= "connect" then
    return "fail" -- slow is not dead: one slow page must not take the backends down in turn
  end
  backend:down(failure.message) -- "<url> is dead." in the log
  -- What fails behind a connection that stands may be the request's own doing: it gets one more
  -- try, so that a poisonous one cannot take them all down.
  return (failure.stage == "connect" or request.attempt == 1) and "retry" or "fail"
end

return policy
