-- The balancer with a pool `p` that hedges, and an admin side; no health checks. Its policy takes
-- the first backend that may serve, so the rival's is the second.
--
--   hedged.start(backends, more) → n    backends: with url, or URLs. more: keys of hedge (in words;
--       default: after = 0.1, share = 1), of the pool (p), of the service (service), of the config
--       (rest); workers, policy (in words), allow
--   hedged.slow(name, seconds, more) → an origin that answers with its name that much later
--   hedged.counts(n) → { sent, won, refused } as /status tells them
--   hedged.inflight(n) → requests in flight, by backend of the pool, in order
--   hedged.settled(n)    waits until none is

local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local hedged = {}

local CONFIG = [[local neap = require "neap" return { workers = %d,
  admin = { listen = "127.0.0.1:0", token = %q },
  services = { { listen = "127.0.0.1:0", pool = "p", policy = %s, %s } },
  pools = { p = { backends = { %s }, health = { type = "none" }, hedge = { %s }, %s } },
  %s }]]
local FIRST = "{ pick = function(_, pool) return pool:first() end }"

local function config(backends, more)
  local urls = {}
  for i, backend in ipairs(backends) do
    urls[i] = ("%q"):format(type(backend) == "table" and backend.url or backend)
  end
  return CONFIG:format(more.workers or 1, admin.token, more.policy or FIRST, more.service or "",
    table.concat(urls, ", "), more.hedge or "after = 0.1, share = 1", more.p or "",
    more.rest or "")
end

function hedged.start(backends, more)
  more = more or {}
  return neap.start { allow = more.allow, config = config(backends, more) }
end

function hedged.slow(name, seconds, more)
  local options = { name = name, allow_errors = true, handler = function(conn)
    conn:read_body()
    if conn:closed(seconds) then return nil end
    return name
  end }
  for key, value in pairs(more or {}) do options[key] = value end
  return origin.start(options)
end

local function pool(n) return admin.status(n).pools[1] end

function hedged.counts(n) return pool(n).hedge end

function hedged.inflight(n)
  local list = {}
  for i, backend in ipairs(pool(n).backends) do list[i] = backend.inflight end
  return list
end

function hedged.settled(n)
  eventually(function()
    for _, inflight in ipairs(hedged.inflight(n)) do
      if inflight ~= 0 then return false end
    end
    return true
  end)
end

return hedged
