-- A shopping basket lives on one backend, and Redis knows on which one. A user who is not pinned
-- yet is pinned to the backend whose turn it is. Only this request waits for Redis.
local neap = require "neap"

local REDIS = "redis://127.0.0.1:6379"
local TIMEOUT, PINNED_FOR = 0.25, 3600 -- seconds

local policy = {}

-- One command and its answer: a text, or nil and the reason ("nothing there" is nil alone).
local function redis(...)
  local conn, why = neap.tcp.connect(REDIS:match "//(.+)$", TIMEOUT)
  if not conn then return nil, why end
  local words = { ("*%d\r\n"):format(select("#", ...)) }
  for _, word in ipairs { ... } do table.insert(words, ("$%d\r\n%s\r\n"):format(#word, word)) end
  local ok, line
  ok, why = conn:send(table.concat(words), TIMEOUT)
  if ok then line, why = conn:receive("line", TIMEOUT) end
  if not line then return nil, why end
  local kind, rest = line:match "^(.)(.*)$"
  if kind == "-" then return nil, rest end
  if kind ~= "$" then return rest end
  if rest == "-1" then return nil end
  return conn:receive(tonumber(rest), TIMEOUT)
end

function policy.pick(request, pool)
  local user = request:cookie "user"
  if not user then return pool:round_robin() end
  local key = "pin:" .. user
  local name, why = redis("GET", key)
  local pinned = name and pool:find(name)
  if pinned then return pinned end
  local backend = pool:round_robin()
  if why then
    neap.log.warn("redis: %s", why) -- served all the same
  else
    redis("SET", key, backend.name, "EX", tostring(PINNED_FOR))
  end
  return backend
end

return policy
