-- The child process of an origin: accepts, runs the handler of the spec in a coroutine for each
-- connection, and writes what it saw to the record file. See support/origin.lua for `conn`.

local cjson = require "cjson"
local signal = require "posix.signal"
local message = require "support.message"
local net = require "support.net"
local scheduler = require "support.scheduler"
local stream = require "support.stream"

local KEPT_BODY = 65536
local FOREVER = 1e6

local server = {}
local Conn = setmetatable({}, { __index = stream.methods })
Conn.__index = Conn

local function record(self, event)
  event.connection = self.id
  self.server.file:write(cjson.encode(event), "\n")
  self.server.file:flush()
end

function Conn:wait(seconds) self.server.scheduler.sleep(seconds) end

function Conn:read_head()
  local head, why, partial = self:read_until "\r\n\r\n"
  if not head then return nil, why, partial end
  self.served = self.served + 1
  self.body_read, self.answered = false, false
  self.request = message.parse_request(head)
    or { method = "?", target = "?", headers = {}, raw = head }
  self.request.connection, self.request.number = self.id, self.served
  record(self, { event = "head", number = self.served, raw = head })
  return head
end

function Conn:read_request()
  local head, why, partial = self:read_head()
  if not head then return nil, why, partial end
  return self.request
end

local function expects_continue(request)
  return (request.headers.expect or ""):lower() == "100-continue"
end

function Conn:continue() return self:send "HTTP/1.1 100 Continue\r\n\r\n" end

-- Keeps the start of the body for the record, whoever takes the rest.
local function recorder(sink)
  local kept, have, length = {}, 0, 0
  local function take(bytes)
    length = length + #bytes
    if have < KEPT_BODY then
      table.insert(kept, bytes:sub(1, KEPT_BODY - have))
      have = math.min(KEPT_BODY, have + #bytes)
    end
    if sink then sink(bytes) end
  end
  return take, function() return table.concat(kept), length end
end

function Conn:read_body(sink)
  self.body_read = true
  if expects_continue(self.request) and not self.answered then self:continue() end
  local pieces = {}
  local take, seen = recorder(sink or function(bytes) table.insert(pieces, bytes) end)
  local ok, why, trailers = message.read_body(self, self.request.headers, { sink = take })
  local kept, length = seen()
  record(self, {
    event = "body",
    number = self.served,
    body = kept,
    length = length,
    complete = ok ~= nil,
    trailers = ok and trailers or nil,
  })
  if not ok then return nil, why, table.concat(pieces) end
  return table.concat(pieces), trailers
end

function Conn:send(bytes)
  self.answered = true
  return stream.methods.send(self, bytes)
end

function Conn:respond(answer)
  if type(answer) == "string" then answer = { body = answer } end
  local body, headers = answer.body or "", {}
  for name, value in pairs(answer.headers or {}) do headers[name] = value end
  headers["Content-Length"] = headers["Content-Length"] or #body
  if self.request.method == "HEAD" then body = "" end
  local line = ("HTTP/1.1 %d %s"):format(answer.status or 200, answer.reason or "OK")
  return self:send(message.format(line, headers, body))
end

local function wants_close(request)
  local connection = (request.headers.connection or ""):lower()
  if request.version == "HTTP/1.0" then return not connection:find "keep%-alive" end
  return connection:find "close" ~= nil
end

-- One request; true if another may follow on the connection.
local function serve_request(conn, handler)
  local request = conn:read_request()
  if not request then return false end
  local answer = handler(conn, request)
  if not conn.fd then return false end
  if not conn.body_read then
    if conn.answered and expects_continue(request) then return false end
    if not conn:read_body(function() end) then return false end
  end
  if answer ~= nil then conn:respond(answer) end
  return not wants_close(request)
end

local function serve(conn, options)
  record(conn, { event = "open" })
  local ok, err = xpcall(function()
    if options.connection then return options.connection(conn) end
    while serve_request(conn, options.handler) do end
  end, debug.traceback)
  if not ok then record(conn, { event = "error", message = tostring(err) }) end
  if conn.fd then conn:close() end
  record(conn, { event = "close" })
end

local function accept_all(self, listener, options)
  while true do
    local fd = net.accept(listener)
    if fd then
      self.accepted = self.accepted + 1
      local conn = stream.new(fd, self.scheduler.wait, Conn)
      conn.id, conn.served, conn.server, conn.name = self.accepted, 0, self, options.name
      conn.timeout = options.timeout
      self.scheduler:spawn(serve, conn, options)
    else
      self.scheduler.wait(listener, "IN", FOREVER)
    end
  end
end

-- run(listener, path of the record, options of origin.start, connections so far): never returns
function server.run(listener, path, options, accepted)
  signal.signal(signal.SIGPIPE, signal.SIG_IGN) -- a peer that leaves is an error of the send
  local self = { scheduler = scheduler.new(), accepted = accepted }
  self.file = assert(io.open(path, "ab"))
  self.scheduler:spawn(accept_all, self, listener, options)
  self.scheduler:run()
end

return server
