-- HAProxy as a peer: one process in the foreground, on a port of its own.
--
--   haproxy.start(lines, bind) → h    lines: of its `listen` section, after the bind line; bind:
--                                     what follows the address there ("ssl crt FILE")
--   h.address, h.port

local eventually = require "support.eventually"
local net = require "support.net"
local process = require "support.process"
local scope = require "support.scope"

local haproxy = {}

local CONFIG = [[
defaults
  mode http
  timeout connect 10s
  timeout client 30s
  timeout server 30s
listen all
  bind %s %s
%s
]]

function haproxy.start(lines, bind)
  local dir, address = scope.directory(), net.refused()
  local path = dir .. "/haproxy.cfg"
  scope.write(path, CONFIG:format(address, bind or "", lines))
  process.spawn { argv = { "haproxy", "-db", "-f", path }, dir = dir }
  eventually(function()
    local fd = net.connect(address)
    if fd then net.close(fd) end
    return fd
  end, 10, "haproxy")
  return { address = address, port = tonumber(address:match "%d+$") }
end

return haproxy
