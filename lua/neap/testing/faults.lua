-- What virtual backends do to a request that reaches them: they answer, or they fail as real ones
-- do. One fault per backend, and what all of them answer.

local faults = {}

local CONNECT_TIMEOUT, RESPONSE_TIMEOUT = 5, 60

local function limit(balancer, pool, key, default)
  local of_pool = pool.timeouts and pool.timeouts[key]
  local of_service = balancer.service.timeouts and balancer.service.timeouts[key]
  local seconds = of_pool or of_service
  if seconds == false then return math.huge end
  return seconds or default
end

local kinds = {}

function kinds.dead()
  return { stage = "connect", kind = "refused", message = "connection refused" }
end

function kinds.unreachable(_, balancer, pool)
  return { stage = "connect", kind = "timeout", message = "connecting timed out",
    after = limit(balancer, pool, "connect", CONNECT_TIMEOUT) }
end

function kinds.reset(fault)
  if fault.times then
    fault.times = fault.times - 1
    if fault.times < 0 then return nil end
  end
  return { stage = "wait", kind = "reset", message = "connection reset by the peer" }
end

function kinds.garbage()
  return { stage = "wait", kind = "protocol", message = "invalid answer" }
end

function kinds.hang(_, balancer, pool)
  return { stage = "wait", kind = "timeout", message = "no answer in time",
    after = limit(balancer, pool, "response", RESPONSE_TIMEOUT) }
end

function kinds.slow(fault, balancer, pool)
  local most = limit(balancer, pool, "response", RESPONSE_TIMEOUT)
  if fault.seconds > most then return kinds.hang(fault, balancer, pool) end
  return nil, fault.seconds
end

-- Up and down by turns, by the virtual clock.
function kinds.flap(fault, balancer)
  local turn = (balancer.world.now() - fault.from) % (fault.up + fault.down)
  return turn >= fault.up and kinds.dead() or nil
end

function kinds.status(fault) return nil, nil, fault.status end

---@param slot integer
---@return table? failure  stage, kind, message, after (seconds)
---@return number? seconds  that the answer takes
---@return integer? status  of the answer
function faults.ask(balancer, pool, slot)
  local fault = balancer.faults[slot]
  if not fault then return nil end
  return kinds[fault.kind](fault, balancer, pool)
end

local ASKS = { http = true, https = true, grpc = true }

-- Would a check find it alive? A check that only connects does not see how requests are answered.
function faults.is_alive(balancer, pool, slot)
  local fault = balancer.faults[slot]
  if not fault then return true end
  if fault.kind == "reset" and fault.times then return true end
  local failure = kinds[fault.kind](fault, balancer, pool)
  if not failure or (failure.stage ~= "connect" and not ASKS[pool.health.type]) then return true end
  return false, failure.message
end

return faults
