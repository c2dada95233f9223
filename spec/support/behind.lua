-- The balancer before a backend that speaks HTTP/2, without health checks (they would be
-- connections of their own).
--
--   behind.start(backend, more) → n, o    backend: options of h2_server.start, or its handler;
--                                         more: further lines of the pool's config
--   behind.before(urls, more, rest) → n   these backends (with url, or URLs);
--                                         rest: further lines of config
--   behind.stream(o, i = 1) → the ith of o:streams(), awaited

local eventually = require "support.eventually"
local h2_server = require "support.h2_server"
local neap = require "support.neap"

local behind = {}

local CONFIG = [[return { workers = 1,
  services = { { listen = "127.0.0.1:0", pool = "p" } },
  pools = { p = { backends = { %s }, health = { type = "none" }, %s } }, %s }]]

function behind.before(backends, more, rest)
  local urls = {}
  for i, backend in ipairs(backends) do
    urls[i] = ("%q"):format(type(backend) == "table" and backend.url or backend)
  end
  more = more or ""
  if not more:find "http2" then more = "http2 = true, " .. more end
  return neap.start {
    config = CONFIG:format(table.concat(urls, ", "), more, rest or ""),
  }
end

function behind.start(backend, more)
  if type(backend) == "function" then backend = { handler = backend } end
  local o = h2_server.start(backend)
  return behind.before({ o }, more), o
end

function behind.stream(o, i)
  return eventually(function() return o:streams()[i or 1] end)
end

return behind
