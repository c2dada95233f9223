-- Certificates live in Redis, under the name that they are for: chain and key in one text, PEM.
-- What was found is used for a minute. Only the handshake that asks waits for Redis.
local neap = require "neap"

local REDIS = "redis://127.0.0.1:6379"
local TIMEOUT, FRESH_FOR, MAX = 0.5, 60, 10000 -- seconds, names

local policy = {}

local known, known_n = {}, 0 -- name → { certificate or false, until }

-- The text under the key: nil when there is none; nil and the reason when Redis does not say.
local function get(key)
  local conn, why = neap.tcp.connect(REDIS:match "//(.+)$", TIMEOUT)
  if not conn then return nil, why end
  local ok, line
  ok, why = conn:send(("*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n"):format(#key, key), TIMEOUT)
  if ok then line, why = conn:receive("line", TIMEOUT) end
  if not line then return nil, why end
  local n = line:match "^%$(%d+)$"
  if n then return conn:receive(tonumber(n), TIMEOUT) end
  if line ~= "$-1" then return nil, line end
end

-- nil when the text is none: the name gets no certificate of its own until it is asked for again.
local function read(name, text)
  local ok, certificate = pcall(neap.certificate, { certificate = text })
  if ok then return certificate end
  neap.log.warn("redis: certificate:%s: %s", name, certificate)
end

local function keep(name, certificate)
  if known_n == MAX then known, known_n = {}, 0 end
  if not known[name] then known_n = known_n + 1 end
  known[name] = { certificate, neap.now() + FRESH_FOR }
end

function policy.certificate(hello)
  local name = hello.sni
  if not name then return nil end
  local entry = known[name]
  if entry and neap.now() < entry[2] then return entry[1] or nil end
  local text, why = get("certificate:" .. name)
  if why then
    neap.log.warn("redis: %s", why)
    return entry and entry[1] or nil -- the old one is better than none
  end
  local certificate = text and read(name, text)
  keep(name, certificate or false)
  return certificate
end

return policy
