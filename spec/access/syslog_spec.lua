local socket = require "posix.sys.socket"
local unistd = require "posix.unistd"
local client = require "support.client"
local eventually = require "support.eventually"
local origin = require "support.origin"
local proxied = require "support.proxied"
local scope = require "support.scope"

local function daemon(path)
  local fd = assert(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0))
  assert(socket.bind(fd, { family = socket.AF_UNIX, path = path }))
  assert(socket.setsockopt(fd, socket.SOL_SOCKET, socket.SO_RCVTIMEO, 5, 0))
  return fd
end

describe("the access log, when syslog goes away", function()
  it("says so once, serves on, and finds it again", function()
    local path = scope.directory() .. "/log"
    local fd = daemon(path)
    local n = proxied.before({ origin.start {} },
      ('access_log = { target = "syslog:%s" }'):format(path), { "access log" })
    client.get(n.address, "/first")
    assert.matches("GET /first ", (socket.recv(fd, 8192)))
    unistd.close(fd)
    assert(unistd.unlink(path))
    eventually(function()
      assert.equal(200, client.get(n.address, "/lost").status)
      return n:count_log "access log .*lines left out so far: %d+" == 1
    end)
    fd = daemon(path)
    client.get(n.address, "/again")
    local line
    repeat line = assert(socket.recv(fd, 8192)) until line:find("GET /again ", 1, true)
    assert.equal(1, n:count_log "access log ")
    unistd.close(fd)
  end)
end)
