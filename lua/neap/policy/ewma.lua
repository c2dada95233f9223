-- Peak EWMA (as in Finagle): draws two backends at random and takes the one where a request should
-- take less time: its average latency, times its unfinished requests. A slow answer counts at once
-- and in full; it is forgotten by half in 0.7 × `decay` seconds, even if nothing is sent there.

local neap = require "neap"
local options = require "neap.options"

local exp = math.exp

return function(given)
  local o = options.read("ewma", given, {
    { "decay", "number", min = 0.1, max = 3600, default = 10 },
  })
  local policy = {}
  -- backend → { latency, time }, in this worker; gone with the backend
  local known = setmetatable({}, { __mode = "k" })

  local function cost(backend, now)
    local seen = known[backend]
    -- If this worker does not know it: the average of all workers; 0: no request went there yet.
    local latency = seen and seen.latency * exp((seen.time - now) / o.decay) or backend.latency
    -- A new one gets a single request until it has answered.
    if latency == 0 then return backend.inflight == 0 and 0 or math.huge end
    return latency * (backend.inflight + 1) / backend.weight
  end

  function policy.pick(_request, pool)
    local a, b = pool:random(), pool:random()
    if a == b then b = pool:random() end
    local now = neap.now()
    if cost(b, now) < cost(a, now) then return b end
    return a
  end

  function policy.response(_request, backend, response)
    local now, latency, seen = neap.now(), response.latency, known[backend]
    if not seen then
      known[backend] = { latency = latency, time = now }
      return
    end
    local keep = exp((seen.time - now) / o.decay)
    local average = seen.latency * keep + latency * (1 - keep)
    seen.latency = latency > seen.latency and latency or average
    seen.time = now
  end

  return policy
end
