-- A raw client. Every operation waits at most client.timeout seconds (15) and raises on time-out.
--
--   client.connect(port | "127.0.0.1:port" | "[::1]:port" | "unix:/path", options) → c
--       options.timeout: seconds; options.from: an IP of our own
--   c:send(bytes)                   raises unless all was taken; c:try_send → true or nil, why
--   c:receive(n) → bytes            exactly n; or nil, "closed" | "reset", bytes so far
--   c:receive_some() → bytes, or nil, "closed" | "reset"
--   c:receive_until(mark) → bytes;  c:receive_all() → all until the peer closes
--   c:read_response{ head = true, sink = fn } → response, or nil, "closed" | "reset", bytes so far
--       head: the answer to a HEAD request; sink(bytes): takes the body's pieces
--       response: version, status, reason, headers (list of {name =, value =}, and by lower-case
--       name), body, trailers, raw (all bytes of it), interim (list of 1xx responses before),
--       truncated (true if the connection ended inside the body), until_close (body ended by close)
--   c:closed(seconds = 5) → true if the peer closed or reset
--   c:shutdown_write(), c:reset(), c:close()
--   c:request(method, target, headers, body) → response    sends one request and reads the answer
--
--   client.get(address, path = "/", headers) → response     connection of its own, closed after
--   client.request(address, bytes, options) → response       the bytes as they are
--   client.exchange(address, bytes) → all bytes until the peer closed
--   headers are { ["Name"] = "value" } or { "Name: value", … }; Host is added if it is not there

local net = require "support.net"
local stream = require "support.stream"
local message = require "support.message"
local scope = require "support.scope"

local client = {}
local Client = setmetatable({}, { __index = stream.methods })
Client.__index = Client

function client.connect(address, options)
  local fd, why = net.connect(address, options and options.timeout, options and options.from)
  if not fd then error(("connect %s: %s"):format(address, why), 2) end
  local self = stream.new(fd, net.wait, Client)
  self.timeout = options and options.timeout or 15
  self.address = address
  return scope.add(self)
end

function Client:dispose() self:close() end

-- A time-out is the failure of the spec; an end of the connection is for the spec to judge.
local function judged(self, what, data, why, partial)
  if data or why == "closed" or why == "reset" then return data, why, partial end
  local text = "%s from %s: %s after %d bytes: %q"
  error(text:format(what, self.address, why, #(partial or ""), (partial or ""):sub(1, 300)), 3)
end

function Client:try_send(bytes) return stream.methods.send(self, bytes) end

function Client:send(bytes)
  local ok, why = self:try_send(bytes)
  if not ok then error(("send to %s: %s"):format(self.address, why), 2) end
  return true
end

function Client:receive(count) return judged(self, "receive", self:read(count)) end

function Client:receive_some() return judged(self, "receive", self:read_some()) end

function Client:receive_until(mark) return judged(self, "receive", self:read_until(mark)) end

function Client:receive_all() return judged(self, "receive", self:read_all()) end

function Client:shutdown_write() self:finish() end

local function read_head(self)
  local head, why, partial = judged(self, "response head", self:read_until "\r\n\r\n")
  if not head then return nil, why, partial end
  local response = message.parse_response(head)
  if not response then error(("not a response: %q"):format(head), 3) end
  return response
end

-- The final response; the 1xx ones before it are listed in it (101 is final).
local function read_final_head(self)
  local interim = {}
  while true do
    local response, why, partial = read_head(self)
    if not response then return nil, why, partial end
    if response.status >= 200 or response.status == 101 then
      response.interim = interim
      return response
    end
    table.insert(interim, response)
  end
end

local function has_body(response, is_head)
  local status = response.status
  return not is_head and status ~= 101 and status ~= 204 and status ~= 304
end

local function read_body(self, response, options)
  local headers = response.headers
  response.until_close = not headers["content-length"] and not headers["transfer-encoding"]
  local body, why, rest = message.read_body(self, headers, {
    until_close = response.until_close,
    sink = options.sink,
  })
  if body then
    response.body, response.trailers = body, rest
  else
    judged(self, "response body", body, why, rest)
    response.body, response.truncated, response.ended = rest, true, why
  end
end

function Client:read_response(options)
  options = options or {}
  if not options.sink then self:start_capture() end
  local response, why, partial = read_final_head(self)
  if not response then return nil, why, partial end
  response.body = ""
  if has_body(response, options.head) then read_body(self, response, options) end
  if not options.sink then response.raw = self:stop_capture() end
  return response
end

local function with_host(headers, address)
  local copy, found = {}, false
  for name, value in pairs(headers or {}) do
    copy[name] = value
    local field = type(name) == "string" and name or value
    found = found or field:lower():match "^host%f[:%z]" ~= nil
  end
  address = tostring(address)
  if not found then copy.Host = address:find "^unix:" and "localhost" or address end
  return copy
end

function Client:request(method, target, headers, body)
  local fields = with_host(headers, self.address)
  if body then fields["Content-Length"] = #body end
  self:send(message.format(("%s %s HTTP/1.1"):format(method, target), fields, body))
  return self:read_response { head = method == "HEAD" }
end

function client.get(address, path, headers)
  local c = client.connect(address)
  local response, why, partial = c:request("GET", path or "/", headers)
  c:close()
  return response, why, partial
end

function client.request(address, bytes, options)
  local c = client.connect(address, options)
  c:send(bytes)
  local response, why, partial = c:read_response(options)
  c:close()
  return response, why, partial
end

function client.exchange(address, bytes, options)
  local c = client.connect(address, options)
  c:try_send(bytes)
  local all, why, partial = c:receive_all()
  c:close()
  return all or partial, why
end

return client
