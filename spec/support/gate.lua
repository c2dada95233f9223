-- A backend that answers a request only when the spec says so, and the balancer before it, whose
-- log has a line "SEEN <path>" for each request and "END <path> <status> <attempts> <queued>
-- <reason>" for each end.
--
--   gate.start(options) → g         options as of origin.start; g is the origin, and
--     g:open(path)                  requests of that path are answered (with it, as body)
--   gate.before(gates, more, pool) → n    each backend has `slots = 1` (or gates[i].slots)
--   gate.policy                     the policy of gate.before
--   gate.send(n, path, options) → client   its request is on its way and was seen; options: c, a
--                                   client to send on; method; worker, as below
--   gate.answer(c) → status, x-neap-error or body
--   gate.on(n, pid) → client        whose connection is that worker's

local stat = require "posix.sys.stat"
local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local gate = {}

local function open_gate(self, path) scope.write(self.folder .. path, "") end

function gate.start(options)
  local folder, own = scope.directory(), {}
  for key, value in pairs(options or {}) do own[key] = value end
  function own.handler(conn, request)
    local path = folder .. request.target
    conn:read_body()
    while not stat.stat(path) do conn:wait(0.003) end
    return request.target
  end
  local self = origin.start(own)
  self.folder, self.open, self.slots = folder, open_gate, own.slots
  return self
end

gate.policy = [[
  policy = {
    request = function(r)
      if r.path == "/accepted" then return require("neap").reply { status = 200 } end
    end,
    backends = function(r) print("SEEN " .. (r.path or "")) end,
    log = function(r, o)
      print(("END %s %d %d %.3f %s"):format(r.path or "", o.status, o.attempts, o.queued, o.reason))
    end,
  },
]]

function gate.before(gates, more)
  local list = {}
  for i, g in ipairs(gates) do
    list[i] = ("{ url = %q, slots = %d }"):format(g.url or g, g.slots or 1)
  end
  return neap.start {
    config = ([[return { listen = "127.0.0.1:0", workers = 1, health = { type = "none" },
      backends = { %s }, %s }]]):format(table.concat(list, ", "), more or gate.policy),
  }
end

function gate.on(n, pid)
  for _ = 1, 200 do
    local before = n:fds()[pid]
    local c = client.connect(n.address)
    assert(c:request("GET", "/accepted").status == 200)
    if n:fds()[pid] > before then return c end
  end
  error("no connection came to worker " .. pid)
end

function gate.send(n, path, options)
  options = options or {}
  local c = options.c or options.worker and gate.on(n, options.worker) or client.connect(n.address)
  c:send(("%s %s HTTP/1.1\r\nHost: a\r\n\r\n"):format(options.method or "GET", path))
  n:wait_log("SEEN " .. path:gsub("%p", "%%%0") .. "\n")
  return c
end

function gate.answer(c)
  local response = assert(c:read_response())
  return response.status, response.headers["x-neap-error"] or response.body
end

return gate
