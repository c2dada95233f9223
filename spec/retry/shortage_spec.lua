-- What neap lacks itself, and a queue that is full for a moment, say nothing about a backend.
local unistd = require "posix.unistd"
local client = require "support.client"
local net = require "support.net"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local ASK = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
local ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

describe("a connection to a backend", function()
  local function is_quiet(n)
    assert.equal(0, n:count_log "is dead")
    assert.equal(0, n:count_log "→ down")
    assert.equal(0, n:count_log "failed while connecting")
  end

  it("waits for room in the queue of a unix socket", function()
    local path = scope.directory() .. "/s"
    local listener = net.listen("unix:" .. path, 0)
    local n = proxied.before { "unix:" .. path }
    local queued = {}
    repeat
      local fd, why = net.connect("unix:" .. path, 0.05)
      table.insert(queued, fd)
    until why
    local c = client.connect(n.address)
    c:send(ASK)
    for _ in ipairs(queued) do net.close(net.accept(listener)) end
    assert.is_true(net.wait(listener, "IN", 5))
    local backend = net.accept(listener)
    assert.is_true(net.wait(backend, "IN", 5))
    assert.matches("^GET / ", net.receive(backend, 4096))
    net.send(backend, ANSWER)
    assert.equal(200, c:read_response().status)
    is_quiet(n)
    for _, fd in ipairs(queued) do net.close(fd) end
    net.close(backend)
    net.close(listener)
  end)

  local function limit(pid, files)
    assert.equal(0, (process.run {
      argv = { "prlimit", "--pid", tostring(pid), ("--nofile=%d:"):format(files) },
    }))
  end

  local test = unistd.geteuid() == 0 and it or pending

  test("waits for a free descriptor, and is refused when none comes", function()
    local n = proxied.start({},
      "workers = 1, timeouts = { connect = 1 }, keepalive = { connections = 0 }")
    n:allow "cannot connect to"
    local c = client.connect(n.address)
    local worker = n:workers()[1]
    c:send(ASK)
    assert.equal(200, c:read_response().status)
    limit(worker, 1)
    c:send(ASK)
    local answer = c:read_response()
    assert.equal(503, answer.status)
    assert.equal(1, n:count_log "cannot connect to %S+: out of file descriptors")
    c:send(ASK)
    limit(worker, 1000)
    assert.equal(200, c:read_response().status)
    is_quiet(n)
  end)
end)
