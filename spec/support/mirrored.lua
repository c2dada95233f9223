-- The balancer with a pool `p` and its mirror, a pool `m`, and an admin side; no health checks.
--
--   mirrored.start(main, copies, more) → n   lists of backends (with url, or URLs). more: keys of
--       mirror (in words), of the pools (p, m), of the service (service), of the config (rest)
--   mirrored.counts(n) → { sent, answered, failed, skipped } as /status tells them
--   mirrored.counted(n, name, value) → the same, once that count is so

local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"

local mirrored = {}

local CONFIG = [[local neap = require "neap" return { workers = %d,
  admin = { listen = "127.0.0.1:0", token = %q },
  services = { { listen = "127.0.0.1:0", pool = "p", %s } },
  pools = {
    p = { backends = { %s }, health = { type = "none" }, mirror = { pool = "m", %s }, %s },
    m = { backends = { %s }, health = { type = "none" }, %s },
  }, %s }]]

local function urls_of(backends)
  local urls = {}
  for i, backend in ipairs(backends) do
    urls[i] = ("%q"):format(type(backend) == "table" and backend.url or backend)
  end
  return table.concat(urls, ", ")
end

function mirrored.start(main, copies, more)
  more = more or {}
  return neap.start {
    allow = more.allow,
    config = CONFIG:format(more.workers or 1, admin.token, more.service or "", urls_of(main),
      more.mirror or "", more.p or "", urls_of(copies), more.m or "", more.rest or ""),
  }
end

function mirrored.counts(n)
  for _, pool in ipairs(admin.status(n).pools) do
    if pool.name == "p" then return pool.mirror end
  end
end

function mirrored.counted(n, name, value)
  return eventually(function()
    local counts = mirrored.counts(n)
    return counts[name] == value and counts
  end)
end

return mirrored
