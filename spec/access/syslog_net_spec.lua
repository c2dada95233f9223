-- Logs that go to a syslog server over the network: rsyslog, and doubles that are away or slow.
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local proxied = require "support.proxied"
local scope = require "support.scope"
local servers = require "support.udp_servers"

local with_rsyslog = servers.can "rsyslogd" and it or pending

local function listen(port)
  local fd, _, bound = net.listen(port)
  return fd, bound
end

local function accept(listener, seconds)
  return net.wait(listener, "IN", seconds or 15) and net.accept(listener) or nil
end

local function read_until(fd, words)
  local text = ""
  while not text:find(words, 1, true) do
    assert.is_true(net.wait(fd, "IN", 15), "nothing comes after: " .. text)
    local piece = assert(net.receive(fd, 65536))
    assert.is_true(#piece > 0, "the stream ended after: " .. text)
    text = text .. piece
  end
  return text
end

-- The messages of a stream by their counts, up to the one that has not come whole.
local function messages_of(text)
  local list, at = {}, 1
  while true do
    local n, from = text:match("^(%d+) ()", at)
    if not n or from + n - 1 > #text then return list end
    table.insert(list, text:sub(from, from + n - 1))
    at = from + n
  end
end

local function has(list, pattern)
  for _, line in ipairs(list) do
    if line:find(pattern) then return line end
  end
end

describe("a log to a syslog server", function()
  for _, way in ipairs { "udp", "tcp" } do
    with_rsyslog("goes there by " .. way .. ", over a reload and until the end", function()
      local collector = servers.rsyslog()
      local target = ("syslog+%s://%s"):format(way, collector.address)
      local n = neap.start { log_file = collector.dir .. "/fields",
        config = proxied.config({ origin.start {} },
          ('log = { target = %q }, access_log = { target = %q }'):format(target, target)) }
      client.get(n.address, "/first")
      eventually(function()
        return has(collector:fields(), '^30|neap|%d+|access|[^|]+| 127%.0%.0%.1 .*"GET /first HTTP')
      end, 15)
      n:signal "HUP"
      eventually(function()
        return has(collector:fields(), "^30|neap|%d+|log|[^|]+| reloaded: generation 2 serves")
      end, 15)
      n:signal "USR1"
      client.get(n.address, "/last")
      n:stop { signal = "QUIT" }
      eventually(function() return has(collector:lines(), '"GET /last HTTP') end, 15)
      eventually(function() return has(collector:lines(), "^stopped$") end, 15)
    end)
  end

  it("counts the octets of each message", function()
    local listener, port = listen(0)
    local n = proxied.before({ origin.start {} },
      ('access_log = { target = "syslog+tcp://127.0.0.1:%d" }'):format(port))
    local c = client.connect(n.address)
    for i = 1, 20 do c:request("GET", "/" .. i) end
    c:close()
    local fd = accept(listener)
    local list = messages_of(read_until(fd, "GET /20 "))
    assert.equal(20, #list)
    for i, message in ipairs(list) do
      assert.matches("^<30>1 %d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ %S+ neap %d+ access %- "
        .. "127%.0%.0%.1 .*\"GET /" .. i .. " HTTP/1%.1\"", message)
    end
    net.close(fd)
    net.close(listener)
  end)

  it("that is away or cuts is told once, and found again", function()
    local listener, port = listen(0)
    local n = proxied.before({ origin.start {} },
      ('access_log = { target = "syslog+tcp://127.0.0.1:%d" }'):format(port), { "access log" })
    client.get(n.address, "/first")
    local fd = accept(listener)
    read_until(fd, "GET /first ")
    net.close(fd)
    net.close(listener)
    eventually(function()
      assert.equal(200, client.get(n.address, "/lost").status)
      return n:count_log "access log .*lines left out so far: %d+" == 1
    end, 15)
    listener = listen(port)
    eventually(function()
      assert.equal(200, client.get(n.address, "/again").status)
      fd = accept(listener, 0.2)
      return fd
    end, 30)
    client.get(n.address, "/again")
    read_until(fd, "GET /again ")
    assert.equal(1, n:count_log "access log ")
    net.close(fd)
    net.close(listener)
  end)

  it("that reads nothing keeps no request waiting", function()
    local listener, port = listen(0)
    local n = proxied.before({ origin.start {} },
      ('access_log = { target = "syslog+tcp://127.0.0.1:%d" }'):format(port), { "access log" })
    local long = "/" .. ("x"):rep(7000)
    local c = client.connect(n.address)
    eventually(function()
      for _ = 1, 100 do assert.equal(200, c:request("GET", long).status) end
      return n:count_log "access log .*lines left out so far: %d+" > 0
    end, 60)
    c:close()
    net.close(listener)
  end)

  it("that is away is said in the log before it, and told what it missed", function()
    local listener, port = listen(0)
    net.close(listener)
    local o = origin.start {}
    local n = proxied.before({ o })
    scope.write(n.dir .. "/config.lua", proxied.config({ o },
      ('log = { target = "syslog+tcp://127.0.0.1:%d" }'):format(port)))
    n:signal "HUP"
    n:wait_log "warn log%.target syslog%+tcp://.*: Connection refused: lines are left out until"
    listener = listen(port)
    local fd
    eventually(function()
      n:signal "HUP"
      fd = accept(listener, 0.2)
      return fd
    end, 30)
    read_until(fd, "reloaded: generation ")
    net.close(fd)
    net.close(listener)
  end)
end)
