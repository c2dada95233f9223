-- neap.tcp.connect: connections of a waiting hook. All functions return nil and a reason when they
-- fail; "timeout" and "closed" are the usual ones. What is still open when the hook ends is closed.

local ffi = require "neap.ffi"
local wait = require "neap.runtime.wait"

local C = ffi.C

local tcp = {}

local BYTES_MAX = 16 * 1024 * 1024

local function port_of(port)
  if port ~= nil and (type(port) ~= "number" or port < 1 or port > 65535 or port % 1 ~= 0) then
    error("tcp.connect(host, port, timeout): port must be an integer from 1 to 65535", 3)
  end
  return port or 0
end

-- host, port, timeout from either way to give them.
local function arguments(address, port, timeout)
  if type(address) ~= "string" then
    error("tcp.connect(host, port, timeout): host must be a string", 3)
  end
  if address:find "^unix:/" then return address, nil, port end
  local host, number = address:match "^%[(.*)%]:(%d+)$"
  if not host then host, number = address:match "^([^:]*):(%d+)$" end
  if host then return host, tonumber(number), port end
  if port == nil then error("tcp.connect: neither a port nor \"host:port\" was given", 3) end
  return address, port, timeout
end

local Conn = {}

-- All of it is sent, or it is an error.
function Conn.send(self, bytes, timeout)
  wait.check "conn:send"
  if type(bytes) ~= "string" then error("conn:send(bytes): bytes must be a string", 2) end
  return wait.done(C.neap_wait_send(self.id, bytes, #bytes, wait.timeout(timeout)))
end

-- "line" (the default): up to the next line end, which is left out. A number: that many bytes.
-- "*a": all until the other side closes.
function Conn.receive(self, what, timeout)
  wait.check "conn:receive"
  local seconds = wait.timeout(timeout)
  if what == nil or what == "line" then return wait.text(C.neap_wait_line(self.id, seconds)) end
  if what == "*a" then return wait.text(C.neap_wait_all(self.id, seconds)) end
  if type(what) ~= "number" or what < 0 or what % 1 ~= 0 or what > BYTES_MAX then
    error("conn:receive(what): expected \"line\", \"*a\" or a number of bytes up to 16 MiB", 2)
  end
  return wait.text(C.neap_wait_bytes(self.id, what, seconds))
end

-- Whatever has come, `max` bytes of it at most; for checks.
function Conn.receive_some(self, max, timeout)
  wait.check "conn:receive_some"
  return wait.text(C.neap_wait_some(self.id, max, wait.timeout(timeout)))
end

-- Reads one answer over HTTP; for neap.http. is_cut: of a longer body the first body_max bytes are
-- enough; without it, such a body is a failure.
function Conn.receive_response(self, is_head, body_max, timeout, is_cut)
  wait.check "conn:receive_response"
  local flags = (is_head and 1 or 0) + (is_cut and 2 or 0)
  local begun = C.neap_wait_response(self.id, flags, body_max, wait.timeout(timeout))
  local body, why = wait.text(begun)
  if not body then return nil, why end
  C.neap_wait_headers()
  return C.neap_wait_status(), wait.out(), body
end

function Conn.close(self) C.neap_conn_close(self.id) end

local class = { __index = Conn, __metatable = false }

-- connect(host, port, timeout) or connect("host:port", timeout) or connect("unix:/path", timeout)
---@param address string
---@param port number?
---@param timeout number?  seconds, the name's lookup included
---@return table? conn, string? why
function tcp.connect(address, port, timeout)
  wait.check "neap.tcp.connect"
  local host, number, seconds = arguments(address, port, timeout)
  local begun = C.neap_wait_connect(host, #host, port_of(number), wait.timeout(seconds))
  local ok, why = wait.done(begun)
  if not ok then return nil, why end
  return setmetatable({ id = C.neap_wait_conn() }, class)
end

return tcp
