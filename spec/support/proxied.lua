-- The balancer before backends of the spec, without health checks (they would be connections and
-- requests that the spec has to tell from its own).
--
--   proxied.start(backend, more) → n, o    backend: options of origin.start, or its handler;
--                                          more: further lines of config
--   proxied.before(origins, more, allow) → n   these backends (origins, URLs or ports)
--   proxied.config(origins, more) → config text
--   proxied.chunked(pieces, trailers) → the pieces in chunked coding, then trailer lines
--   proxied.pattern(n) → n bytes in which no two places look alike
--   proxied.resident(n) → bytes of memory that its first worker holds
--   proxied.own(n) → the part of that which is not shared, nor a file's
--   proxied.while_flat(n, command, ...) → first word of what the shell's command prints, while its
--                                         first worker's memory is watched
--   proxied.count_fds(n) → open descriptors of its first worker

local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local proxied = {}

local PAGE = 4096
local FLAT = 4 * 1024 * 1024 * eventually.slowness

function proxied.config(origins, more)
  return neap.config(origins, 'health = { type = "none" },\n' .. (more or ""))
end

function proxied.before(origins, more, allow)
  return neap.start { config = proxied.config(origins, more), allow = allow }
end

function proxied.start(backend, more)
  if type(backend) == "function" then backend = { handler = backend } end
  local o = origin.start(backend)
  return proxied.before({ o }, more), o
end

function proxied.chunked(pieces, trailers)
  local out = {}
  for _, piece in ipairs(pieces) do
    table.insert(out, ("%x\r\n%s\r\n"):format(#piece, piece))
  end
  return table.concat(out) .. "0\r\n" .. (trailers or "") .. "\r\n"
end

function proxied.pattern(count)
  local pieces = {}
  for index = 1, math.ceil(count / 8) do pieces[index] = ("%07x."):format(index) end
  return table.concat(pieces):sub(1, count)
end

function proxied.resident(n)
  local statm = scope.read(("/proc/%d/statm"):format(n:workers()[1]))
  return tonumber(statm:match "^%d+ (%d+)") * PAGE
end

function proxied.own(n)
  local rollup = scope.read(("/proc/%d/smaps_rollup"):format(n:workers()[1]))
  return tonumber(rollup:match "Anonymous:%s*(%d+)") * 1024
end

function proxied.while_flat(n, command, ...)
  local before = proxied.resident(n)
  local p = process.spawn { argv = { "sh", "-c", command, "sh", ... } }
  local highest = before
  eventually(function()
    highest = math.max(highest, proxied.resident(n))
    return not p:alive()
  end, 60, command)
  assert(p:wait() == 0, p:stderr())
  assert(highest - before < FLAT, ("%d bytes more"):format(highest - before))
  return p:stdout():match "^%S*"
end

function proxied.count_fds(n) return n:fds()[n:workers()[1]] end

return proxied
