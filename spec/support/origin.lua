-- Backends for specs: a forked child that serves with the closures of the spec.
--
--   origin.start{ name = "web1", handler = fn, connection = fn, address = "127.0.0.1:0",
--                 backlog = 1024, timeout = 30, allow_errors = false } → o
--       Default answer: 200, body = name, keep-alive.
--       handler(conn, request)   once a request, head read. Returns nothing if it answered itself,
--                                or a body, or { status, reason, headers, body } to be sent.
--       connection(conn)         instead of handler: once a connection, all bytes are yours.
--   o.address, o.port, o.url ("http://127.0.0.1:port" or "unix:/path"), o.pid, o.name
--   o:requests() → list in order of { connection, number (on its connection), method, target,
--       version, headers (list, and by lower-case name), raw (head), body (first 64 KiB), length,
--       complete, trailers }
--   o:connections() → how many were accepted; o:open_connections() → how many are open
--   o:errors() → messages of handlers that raised (they fail the spec unless allow_errors)
--   o:kill() (SIGKILL), o:stop() (the same, politely named), o:start_again() on the same address
--   o:pause(), o:resume()  SIGSTOP and SIGCONT: the kernel still accepts
--   origin.several(n, options) → list of origins named web1 … webn
--
--   request: method, target, version, headers, raw, connection, number
--   conn (waits give way to the other connections; conn.id counts from 1, conn.served = requests):
--   conn:read_request() → request;  conn:read_head() → raw head;  conn.request is the current one
--   conn:read_body(sink) → body, trailers      sends 100 Continue if that was asked
--   conn:read(n), conn:read_some(), conn:read_until(mark), conn:read_all(), conn:closed(seconds)
--   conn:send(bytes) → true or nil, why;  conn:continue();  conn:respond(answer as above)
--   conn:wait(seconds), conn:finish() (half close), conn:close(), conn:reset() (RST)
--   conn.timeout = seconds of one wait

local cjson = require "cjson"
local message = require "support.message"
local net = require "support.net"
local process = require "support.process"
local scope = require "support.scope"
local server = require "support.origin_server"
local eventually = require "support.eventually"

local origin = {}
local Origin = {}
Origin.__index = Origin

local function default_handler(conn) return conn.name end

local function serve_in_child(self, listener)
  self.killed = false
  local accepted = self:connections()
  self.pid = process.fork(function()
    server.run(listener, self.record, self.options, accepted)
  end, { keep = { listener }, output = self.output })
  net.close(listener)
end

function origin.start(options)
  options = options or {}
  local dir = scope.directory()
  local self = setmetatable({
    name = options.name or "origin",
    record = dir .. "/record",
    output = dir .. "/output",
    options = {
      name = options.name or "origin",
      handler = options.handler or default_handler,
      connection = options.connection,
      timeout = options.timeout or 30,
    },
    allow_errors = options.allow_errors,
  }, Origin)
  local listener
  listener, self.address, self.port = net.listen(options.address or "127.0.0.1:0",
    options.backlog or 1024)
  self.url = self.port and "http://" .. self.address or self.address
  serve_in_child(self, listener)
  return scope.add(self)
end

function origin.several(count, options)
  local list = {}
  for index = 1, count do
    local own = { name = "web" .. index }
    for key, value in pairs(options or {}) do own[key] = value end
    list[index] = origin.start(own)
  end
  return list
end

-- Only whole lines: the child may be writing the last one. (A pattern would look for the end of
-- that one from each of its characters.)
local function events(self)
  local list, text, from = {}, scope.read(self.record), 1
  while true do
    local stop = text:find("\n", from, true)
    if not stop then return list end
    table.insert(list, cjson.decode(text:sub(from, stop - 1)))
    from = stop + 1
  end
end

local function count(self, name)
  local total = 0
  for _, event in ipairs(events(self)) do
    if event.event == name then total = total + 1 end
  end
  return total
end

local function add_head(event)
  local request = message.parse_request(event.raw) or { headers = {}, raw = event.raw }
  request.connection, request.number = event.connection, event.number
  request.body, request.length, request.complete = "", 0, false
  return request
end

function Origin:requests()
  local list, by_key = {}, {}
  for _, event in ipairs(events(self)) do
    local key = ("%d/%d"):format(event.connection, event.number or 0)
    if event.event == "head" then
      by_key[key] = add_head(event)
      table.insert(list, by_key[key])
    elseif event.event == "body" then
      local request = by_key[key]
      request.body, request.length, request.complete = event.body, event.length, event.complete
      request.trailers = event.trailers
    end
  end
  return list
end

function Origin:connections() return count(self, "open") end

function Origin:open_connections()
  if not process.exists(self.pid) then return 0 end
  return count(self, "open") - count(self, "close") - (self.lost or 0)
end

function Origin:errors()
  local list = {}
  for _, event in ipairs(events(self)) do
    if event.event == "error" then table.insert(list, event.message) end
  end
  return list
end

function Origin:kill()
  self.killed = true
  if not process.exists(self.pid) then return end
  process.signal(self.pid, "KILL")
  eventually(function() return not process.exists(self.pid) end)
  self.lost = count(self, "open") - count(self, "close")
end

Origin.stop = Origin.kill

-- What it was writing when it was killed.
local function drop_torn_line(self)
  local text = scope.read(self.record)
  local whole = text:match "^.*\n" or ""
  if #whole < #text then scope.write(self.record, whole) end
end

function Origin:start_again()
  self:kill()
  drop_torn_line(self)
  serve_in_child(self, (net.listen(self.address, 1024)))
end

function Origin:pause() process.signal(self.pid, "STOP") end

function Origin:resume() process.signal(self.pid, "CONT") end

function Origin:describe()
  return ("--- origin %s (%s)\n%s%s"):format(self.name, self.address, self.final_record or "",
    self.final_output or "")
end

function Origin:dispose()
  self.ended = not self.killed and not process.exists(self.pid)
  self:kill()
  process.forget(self.pid)
  self.final_record, self.final_output = scope.read(self.record), scope.read(self.output)
  if self.ended then error(("origin %s ended by itself"):format(self.name), 0) end
  if not self.allow_errors then
    local first = self:errors()[1]
    if first then error(("handler of origin %s: %s"):format(self.name, first), 0) end
    if self.final_output ~= "" then
      error(("origin %s died: %s"):format(self.name, self.final_output), 0)
    end
  end
end

return origin
