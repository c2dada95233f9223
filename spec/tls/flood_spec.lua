local client_hello = require "support.client_hello"
local eventually = require "support.eventually"
local https = require "support.https"
local net = require "support.net"
local scope = require "support.scope"

local CLIENTS = 600 -- a file descriptor each, of the 1,024 that a process has

local function anonymous_bytes(pid)
  return 1024 * tonumber(scope.read("/proc/" .. pid .. "/status"):match "RssAnon:%s*(%d+)")
end

-- A sanitizer keeps what was freed, to find who uses it.
local function keeps_freed(pid) return scope.read("/proc/" .. pid .. "/maps"):find "asan" ~= nil end

local function begin_handshakes(port, bytes)
  local fds = {}
  for i = 1, CLIENTS do
    fds[i] = assert(net.connect(port, 30))
    assert(net.send(fds[i], bytes))
  end
  return fds
end

describe("a flood of handshakes that only begin #slow", function()
  it("gives its memory back when it is over, and clients are served meanwhile", function()
    local n = https.start({}, "workers = 1,")
    assert.equals(0, (https.curl(n, {})))
    local worker = n:workers()[1]
    local before = anonymous_bytes(worker)
    local fds = begin_handshakes(n.port, client_hello.of {}:sub(1, 40))
    local most
    eventually(function()
      most = anonymous_bytes(worker)
      return most > before + CLIENTS * 5000
    end, 30, "what the handshakes take")
    assert.equals(0, (https.curl(n, {})))
    for _, fd in ipairs(fds) do net.close(fd) end
    if keeps_freed(worker) then return end
    eventually(function() return anonymous_bytes(worker) < before + (most - before) / 4 end, 30,
      "the memory of the handshakes")
  end)
end)
