local cjson = require "cjson"
local socket = require "posix.sys.socket"
local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local function start(format, more, allow)
  local web = origin.start { name = "web" }
  local config = ('access_log = { target = "access.log", format = %s }, %s'):format(format,
    more or "")
  return proxied.before({ web }, config, allow), web
end

local function lines_of(n, name)
  local lines = {}
  for line in scope.read(n.dir .. "/" .. (name or "access.log")):gmatch "([^\n]*)\n" do
    table.insert(lines, line)
  end
  return lines
end

-- Waits until there are that many.
local function lines(n, count, name)
  eventually(function() return #lines_of(n, name) >= count end)
  local all = lines_of(n, name)
  assert.equal(count, #all)
  return all
end

local function objects(n, count)
  local all = lines(n, count)
  for i, line in ipairs(all) do all[i] = cjson.decode(line) end
  return all
end

describe("the access log, combined", function()
  it("has a line for each request, as other servers write it", function()
    local n = start '"combined"'
    client.get(n.address, "/a?b=c", { ["User-Agent"] = "spec", Referer = "http://r/" })
    client.get(n.address, "/")
    local all = lines(n, 2)
    assert.matches('^127%.0%.0%.1 %- %- %[%d%d/%a%a%a/%d%d%d%d:%d%d:%d%d:%d%d [+-]%d%d%d%d%] '
      .. '"GET /a%?b=c HTTP/1%.1" 200 3 "http://r/" "spec"$', all[1])
    assert.matches('"GET / HTTP/1%.1" 200 3 "%-" "%-"$', all[2])
  end)

  it("cannot be forged: quotes, backslashes and foreign bytes are escaped", function()
    local n = start '"combined"'
    client.get(n.address, "/", { ["User-Agent"] = 'x" 200 "\\\255\9!' })
    local wanted = [["x\x22 200 \x22\x5c\xff\x09!"]]
    assert.equal(wanted, lines(n, 1)[1]:sub(-#wanted))
  end)

  it("has a line whatever the size of a request, cut if need be", function()
    local n = start('"json"', "limits = { header_bytes = 262144 }")
    client.get(n.address, "/long", { ["User-Agent"] = ("\255"):rep(200000) })
    local line = objects(n, 1)[1]
    assert.same({ "/long", 200, 2 * 16384 }, { line.path, line.status, #line.user_agent })
  end)

  it("counts the bodies of neap's own answers", function()
    local n = start('"combined"', 'policy = { pick = function() return nil, "no" end }')
    local body = client.get(n.address, "/none").body
    assert.equal("Service Unavailable: no\n", body)
    client.request(n.address, "HEAD /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    local all = lines(n, 2)
    assert.matches(('"GET /none HTTP/1%%.1" 503 %d '):format(#body), all[1])
    assert.matches('"HEAD /none HTTP/1%.1" 503 0 ', all[2])
  end)

  it("tells of what was refused and of clients that left", function()
    local n, web = start('"combined"')
    client.request(n.address, "GET /no-host HTTP/1.1\r\nUser-Agent: old\r\n\r\n")
    web:pause()
    local c = client.connect(n.address)
    c:send "GET /left HTTP/1.1\r\nHost: a\r\n\r\n"
    c:close()
    local all = lines(n, 2)
    assert.matches('"GET /no%-host HTTP/1%.1" 400 %d+ "%-" "old"$', all[1])
    assert.matches('"GET /left HTTP/1%.1" 499 0 ', all[2])
  end)
end)

describe("the access log, JSON", function()
  it("tells no version where the request line was refused before it", function()
    local n = start '"json"'
    for _, line in ipairs { 'GET /a"b HTTP/1.1', "GET /no-host HTTP/1.1" } do
      client.request(n.address, line .. "\r\n\r\n")
    end
    local first, second = unpack(objects(n, 2))
    assert.same({ 400, 400, "1.1" }, { first.status, second.status, second.version })
    assert.is_nil(first.version or first.method)
  end)

  it("has what is known of a request", function()
    local n, web = start('"json"', 'name = "shop"')
    local long = ("x"):rep(100)
    client.get(n.address, "/p?q", { ["User-Agent"] = 'a"\195\164', Host = "shop.example" })
    client.get(n.address, "/" .. long)
    local first, second = unpack(objects(n, 2))
    assert.same({ "shop", "127.0.0.1", "GET", "shop.example", "/p", "q", "1.1" }, { first.service,
      first.client, first.method, first.host, first.path, first.query, first.version })
    assert.equal('a"\195\164', first.user_agent)
    assert.same({ 200, 3, 1 }, { first.status, first.bytes, first.attempts })
    assert.equal(("127.0.0.1:%d"):format(web.port), first.backend)
    assert.is_true(first.connect >= 0 and first.first_byte >= first.connect)
    assert.is_true(first.total >= first.first_byte and first.queued >= 0)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ$", first.time)
    assert.not_equal(first.id, second.id)
    assert.is_nil(second.query)
    assert.is_nil(second.reason)
    assert.equal("/" .. long, second.path)
  end)

  it("says how many attempts there were, and why there is no answer", function()
    local dead = origin.start {}
    dead:kill()
    local n = proxied.before({ dead },
      'access_log = { target = "access.log", format = "json" }')
    client.get(n.address, "/")
    local line = objects(n, 1)[1]
    assert.same({ 502, 1 }, { line.status, line.attempts })
    assert.is_true(#line.reason > 0)
  end)

  it("has a line for each connection of a tcp service", function()
    local echo = origin.start { connection = function(conn) conn:send(conn:read(4)) end }
    local n = neap.start { config = ([[return { mode = "tcp", listen = "127.0.0.1:0",
      health = { type = "none" }, backends = { "tcp://127.0.0.1:%d" },
      access_log = { target = "access.log", format = "json" } }]]):format(echo.port) }
    local c = client.connect(n.address)
    c:send "ping"
    assert.equal("ping", c:receive(4))
    c:close()
    local line = objects(n, 1)[1]
    assert.same({ "tcp", 4, 1 }, { line.mode, line.bytes, line.attempts })
  end)
end)

describe("the access log of a function", function()
  it("is what it returns, and no line for nil", function()
    local n = start [[function(request, outcome)
      if request.path == "/quiet" then return nil end
      return request.path .. " " .. outcome.status .. " \n" .. outcome.backend.name
    end]]
    for _, path in ipairs { "/a", "/quiet", "/b" } do client.get(n.address, path) end
    local all = lines(n, 2)
    assert.matches([[^/a 200 \x0a127.0.0.1:]], all[1])
    assert.matches([[^/b 200 \x0a127.0.0.1:]], all[2])
  end)

  it("passes no command on to a terminal", function()
    local n = start 'function(request) return request:header "User-Agent" end'
    client.get(n.address, "/", { ["User-Agent"] = "a\194\155b\195\164\194\169" })
    assert.equal("a\\xc2\\x9bb\195\164\194\169", lines(n, 1)[1])
  end)

  it("is the combined one where it errs", function()
    local n = start('function(request) return request.path == "/a" and {} or error "oh" end', "",
      { "access_log.format returned a table", "oh" })
    client.get(n.address, "/a")
    client.get(n.address, "/b")
    local all = lines(n, 2)
    assert.matches('"GET /a HTTP/1%.1" 200 ', all[1])
    assert.matches('"GET /b HTTP/1%.1" 200 ', all[2])
    n:wait_log "hook access_log.format of service .*: access_log.format returned a table"
  end)

  it("is there when the policy's own log hook errs, five times and more", function()
    local n = start('function(request) return "line " .. request.path end',
      [[policy = { log = function() error "no" end }]], { "hook log" })
    for i = 1, 7 do client.get(n.address, "/" .. i) end
    assert.equal("line /7", lines(n, 7)[7])
    n:wait_log "hook log of service .* keeps failing"
  end)

  it("comes after the policy's own log hook", function()
    local n = start([[function(request) return request.ctx.said end]],
      [[policy = { log = function(request) request.ctx.said = "told" end }]])
    client.get(n.address, "/")
    assert.equal("told", lines(n, 1)[1])
  end)
end)

describe("where the access log goes", function()
  it("is opened anew by USR1, without a line lost", function()
    local n = start '"combined"'
    client.get(n.address, "/1")
    lines(n, 1)
    assert(os.rename(n.dir .. "/access.log", n.dir .. "/access.log.1"))
    client.get(n.address, "/2")
    lines(n, 2, "access.log.1")
    n:signal "USR1"
    eventually(function() return io.open(n.dir .. "/access.log") ~= nil end)
    client.get(n.address, "/3")
    assert.matches("GET /3 ", lines(n, 1)[1])
  end)

  it("loses none that came while it was opened anew", function()
    local n = start('"combined"', "", { "more slowly than they come" })
    local path = n.dir .. "/access.log"
    client.get(n.address, "/1")
    lines(n, 1)
    assert(os.rename(path, path .. ".1"))
    assert(stat.mkfifo(path, 384)) -- opened when somebody reads from it, no earlier
    n:signal "USR1"
    local c = client.connect(n.address)
    c:request("GET", "/meanwhile")
    for _ = 1, 400 do c:request("GET", "/", { ["User-Agent"] = ("x"):rep(8000) }) end
    process.spawn { cwd = n.dir, argv = { "sh", "-c", "exec cat access.log > read" } }
    eventually(function()
      c:request("GET", "/last")
      return scope.read(n.dir .. "/read"):find("/last", 1, true)
    end)
    c:close()
    local all = scope.read(path .. ".1") .. scope.read(n.dir .. "/read")
    assert.truthy(all:find("GET /meanwhile ", 1, true))
  end)

  it("may be a pipe that is read later, or never: neap starts, serves and ends", function()
    local dir = scope.directory()
    assert(stat.mkfifo(dir .. "/pipe", 384))
    local n = proxied.before({ origin.start {} },
      ('access_log = { target = "%s/pipe" }'):format(dir))
    assert.equal(200, client.get(n.address, "/early").status)
    process.spawn { cwd = dir, argv = { "sh", "-c", "exec cat pipe > read" } }
    eventually(function() return scope.read(dir .. "/read"):find("GET /early", 1, true) end)
    assert(stat.mkfifo(dir .. "/other", 384))
    n = proxied.before({ origin.start {} },
      ('access_log = { target = "%s/other" }'):format(dir), { "more slowly than they come" })
    local c, agent = client.connect(n.address), ("x"):rep(8000)
    for _ = 1, 300 do c:request("GET", "/", { ["User-Agent"] = agent }) end
    c:close()
    n:wait_log "log %S+/other: it takes lines more slowly .* %(lines left out so far: %d+%)"
    assert.equal(1, n:count_log "more slowly than they come")
    local began = eventually.now()
    n:stop { signal = "QUIT" }
    assert.is_true(eventually.now() - began < 4)
  end)

  it("has every line when neap ends", function()
    local n = start '"combined"'
    local c = client.connect(n.address)
    for i = 1, 300 do c:request("GET", "/" .. i) end
    c:close()
    n:stop { signal = "QUIT" }
    assert.equal(300, #lines_of(n))
  end)

  it("may be syslog", function()
    local path = scope.directory() .. "/log"
    local fd = assert(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0))
    assert(socket.bind(fd, { family = socket.AF_UNIX, path = path }))
    local n = proxied.before({ origin.start {} },
      ('access_log = { target = "syslog:%s" }'):format(path))
    client.get(n.address, "/x")
    assert.matches('^<30>%a%a%a [ %d]%d %d%d:%d%d:%d%d neap%[%d+%]: 127.0.0.1 .*"GET /x HTTP/1.1"',
      (socket.recv(fd, 8192)))
    unistd.close(fd)
  end)

  it("may be a disk that is full: lines are missing, requests are not", function()
    local n = proxied.before({ origin.start {} }, 'access_log = { target = "/dev/full" }',
      { "access log /dev/full: No space left on device" })
    for _ = 1, 50 do assert.equal(200, client.get(n.address, "/").status) end
    n:wait_log "access log /dev/full: No space left on device %(lines left out so far: %d+%)"
    assert.equal(200, client.get(n.address, "/").status)
    assert.equal(1, n:count_log "access log /dev/full")
  end)

  it("may be a pipe that nobody reads: requests go on #slow", function()
    local dir = scope.directory()
    local address = "unix:" .. dir .. "/s"
    scope.write(dir .. "/config.lua", proxied.config({ origin.start {} }, ([[listen = "%s",
      access_log = { target = "stdout" }]]):format(address)))
    local p = process.spawn { cwd = dir, argv = { "sh", "-c",
      'exec "$0" -c config.lua | sleep 30', neap.binary } }
    eventually(function() return client.get(address, "/").status == 200 end)
    local c = client.connect(address)
    local agent = ("x"):rep(8000)
    for _ = 1, 400 do -- more than the pipe and both of the writer's buffers hold
      assert.equal(200, c:request("GET", "/", { ["User-Agent"] = agent }).status)
    end
    p:kill_group "KILL"
  end)

  it("must be a place that can be written to", function()
    local config = 'return { listen = "127.0.0.1:0", backends = { "http://127.0.0.1:1" }, '
      .. 'access_log = { target = "/nowhere/at/all" } }'
    local code, _, err = neap.run({ "-c", "config.lua" }, { files = { ["config.lua"] = config } })
    assert.equal(1, code)
    assert.matches("cannot open the access log /nowhere/at/all: No such file or directory", err)
  end)
end)
