-- The config of the soak; the ports of its backends are in SOAK_PORTS. Every wait is short.

local neap = require "neap"

local backends = {}
for port in os.getenv("SOAK_PORTS"):gmatch "%d+" do
  table.insert(backends, "http://127.0.0.1:" .. port)
end

local policy = {}

-- GET /inflight: what is under way, over all workers and backends.
function policy.request(request)
  if request.path ~= "/inflight" then return end
  local sum = 0
  for _, backend in ipairs(neap.pool("soak").all) do sum = sum + backend.inflight end
  return neap.reply { body = tostring(sum) }
end

-- Most failures are what the request asked for: only a backend that cannot be reached is down.
function policy.failed(request, backend, failure)
  if failure.stage == "connect" then
    backend:down(failure.message)
    return "retry"
  end
  return request.attempt == 1 and failure.kind ~= "timeout" and "retry" or "fail"
end

return {
  listen = "127.0.0.1:0",
  workers = 2,
  policy = policy,
  pool = "soak",
  pools = {
    soak = {
      backends = backends,
      health = { interval = 1, timeout = 1, recheck = 0.1 },
      keepalive = { idle = 1 },
    },
  },
  timeouts = {
    client_header = 2, client_body = 2, client_idle = 5, connect = 2, response = 2, stream_idle = 4,
  },
  limits = { body_bytes = 1048576 },
}
