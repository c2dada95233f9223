-- neap.tcp.connect: connections of a waiting hook. All functions return nil and a reason when they
-- fail; "timeout" and "closed" are the usual ones. Connections still open when the hook ends are
-- closed.

local ffi = require "neap.ffi"
local naming = require "neap.config.naming"
local secure = require "neap.io.secure"
local view = require "neap.runtime.view"
local wait = require "neap.runtime.wait"

local C = ffi.C

local tcp = {}

local BYTES_MAX = ffi.numbers.NEAP_CONN_BUFFER_MAX -- 16 MiB
local UNTIL_MAX, LINE_MAX = ffi.numbers.NEAP_CONN_UNTIL_MAX, ffi.numbers.NEAP_CONN_LINE_MAX
local TO_HEAD, CUT = ffi.numbers.NEAP_ANSWER_TO_HEAD, ffi.numbers.NEAP_ANSWER_CUT

local function port_of(port)
  if port ~= nil and (type(port) ~= "number" or port < 1 or port > 65535 or port % 1 ~= 0) then
    error("tcp.connect(host, port, timeout): port must be an integer from 1 to 65535", 3)
  end
  return port or 0
end

-- "host:port", "[v6]:port" or "unix:/path" in parts.
---@param address string
---@return string? host, number? port
function tcp.split(address)
  if address:find "^unix:/" then return address end
  local host, number = address:match "^%[(.*)%]:(%d+)$"
  if not host then host, number = address:match "^([^:]*):(%d+)$" end
  return host, tonumber(number)
end

-- host, port, timeout, options from either way to give them.
local function arguments(address, port, timeout, options)
  if type(address) ~= "string" then
    error("tcp.connect(host, port, timeout): host must be a string", 3)
  end
  local host, number = tcp.split(address)
  if host then return host, number, port, timeout end
  if port == nil then error("tcp.connect: neither a port nor \"host:port\" was given", 3) end
  return address, port, timeout, options
end

-- Either may be left out: connect(address, { tls = true }).
local function timeout_and_tls(timeout, options)
  if type(timeout) == "table" then timeout, options = nil, timeout end
  if options ~= nil and type(options) ~= "table" then
    error("tcp.connect: the options must be a table", 3)
  end
  local fault = naming.fault(options or {}, { tls = "any" })
  if fault then error("tcp.connect: " .. fault, 3) end
  local tls = options and options.tls
  secure.check(tls, "tcp.connect", 3)
  return timeout, tls
end

-- The object that hooks get knows its connection by a number, which C looks for among the hook's
-- own.
local Handle = ffi.typeof "struct { const uint32_t id; }"
local Conn = {}

local function id_of(self, method)
  if not ffi.istype(Handle, self) then view.needs_colon("conn", method) end
  return self.id
end

-- All of it is sent, or it is an error.
function Conn.send(self, bytes, timeout)
  wait.check "conn:send"
  local id = id_of(self, "send")
  if type(bytes) ~= "string" then error("conn:send(bytes): bytes must be a string", 2) end
  return wait.done(C.neap_wait_send(id, bytes, #bytes, wait.timeout(timeout)))
end

-- "line" (the default): up to the next line end, which is left out. A number: that many bytes.
-- "*a": all until the other side closes.
function Conn.receive(self, what, timeout)
  wait.check "conn:receive"
  local id, seconds = id_of(self, "receive"), wait.timeout(timeout)
  if what == nil or what == "line" then return wait.text(C.neap_wait_line(id, seconds)) end
  if what == "*a" then return wait.text(C.neap_wait_all(id, seconds)) end
  if type(what) ~= "number" or what < 0 or what % 1 ~= 0 or what > BYTES_MAX then
    error("conn:receive(what): expected \"line\", \"*a\" or a number of bytes up to 16 MiB", 2)
  end
  return wait.text(C.neap_wait_bytes(id, what, seconds))
end

-- Up to these bytes, which are left out; at most `max` (64 KiB) before them.
function Conn.receive_until(self, delimiter, max, timeout)
  wait.check "conn:receive_until"
  local id = id_of(self, "receive_until")
  if type(delimiter) ~= "string" or delimiter == "" or #delimiter > UNTIL_MAX then
    error(("conn:receive_until(delimiter): expected a text of 1 to %d bytes"):format(UNTIL_MAX), 2)
  end
  max = max or LINE_MAX
  if type(max) ~= "number" or max < 0 or max > BYTES_MAX then
    error("conn:receive_until(delimiter, max): max must be a number of bytes up to 16 MiB", 2)
  end
  local begun = C.neap_wait_until(id, delimiter, #delimiter, max, wait.timeout(timeout))
  return wait.text(begun)
end

-- The bytes that have come, at most `max`.
function Conn.receive_some(self, max, timeout)
  wait.check "conn:receive_some"
  local id = id_of(self, "receive_some")
  if type(max) ~= "number" or max < 1 or max > BYTES_MAX then
    error("conn:receive_some(max): max must be a number of bytes up to 16 MiB", 2)
  end
  return wait.text(C.neap_wait_some(id, max, wait.timeout(timeout)))
end

-- Reads one answer over HTTP; for neap.http. is_cut: the first body_max bytes of a longer body are
-- enough; without it, such a body is a failure.
function Conn.receive_response(self, is_head, body_max, timeout, is_cut)
  wait.check "conn:receive_response"
  local flags = (is_head and TO_HEAD or 0) + (is_cut and CUT or 0)
  local id = id_of(self, "receive_response")
  local begun = C.neap_wait_response(id, flags, body_max, wait.timeout(timeout))
  local body, why = wait.text(begun)
  if not body then return nil, why end
  C.neap_wait_headers()
  return C.neap_wait_status(), wait.out(), body
end

-- Its head alone; then its body by receive_piece, until that is empty.
function Conn.receive_head(self, is_head, timeout)
  wait.check "conn:receive_head"
  local id = id_of(self, "receive_head")
  local ok, why = wait.done(C.neap_wait_head(id, is_head and TO_HEAD or 0, wait.timeout(timeout)))
  if not ok then return nil, why end
  C.neap_wait_headers()
  return C.neap_wait_status(), wait.out()
end

function Conn.receive_piece(self, timeout)
  wait.check "answer:read"
  local id = id_of(self, "receive_piece")
  return wait.text(C.neap_wait_piece(id, wait.timeout(timeout)))
end

-- The number of the address that took the connection, if several were tried; just after connecting,
-- for checks.
function Conn.stood() return C.neap_wait_stood() + 1 end

-- Was HTTP/2 agreed on by ALPN? For checks.
function Conn.speaks_h2(self) return C.neap_conn_speaks_h2(id_of(self, "speaks_h2")) == 1 end

-- It speaks HTTP/2: from now on all use it by tcp.ask. false: it cannot be, and is closed.
function Conn.share(self, key) return C.neap_conn_share(id_of(self, "share"), key, #key) == 1 end

-- For tcp.reuse, unless it cannot be used again: then it is closed.
function Conn.keep(self, key) C.neap_conn_keep(id_of(self, "keep"), key, #key) end

function Conn.close(self) C.neap_conn_close(id_of(self, "close")) end

ffi.metatype(Handle, {
  __index = function(_, key)
    local method = Conn[key]
    if method == nil then view.unknown("conn", key, {}, Conn) end
    return method
  end,
  __newindex = function(_, key)
    error(("conn.%s cannot be assigned"):format(tostring(key)), 2)
  end,
})

-- As tcp.connect, without looking at what it is given.
---@param host string
---@param port number?
---@param seconds number?
---@param tls table|boolean|nil
---@param first string?  with tls: sent in the clear before the handshake
---@param known_as string?  with tls: the server's host, if host is an address
---@return any? conn, string? why
function tcp.dial(host, port, seconds, tls, first, known_as)
  if tls then
    local done, reason = secure.begin(known_as or host, tls, first, port)
    if not done then return nil, reason end
  end
  local begun = C.neap_wait_connect(host, #host, port or 0, wait.timeout(seconds))
  local ok, why = wait.done(begun)
  if not ok then return nil, why end
  return Handle(C.neap_wait_conn())
end

-- A connection that was kept under this key, or nil.
---@param key string
---@param is_sure boolean  for what cannot be sent again: only one that was in use a moment ago
function tcp.reuse(key, is_sure)
  local id = C.neap_conn_reuse(key, #key, is_sure and 1 or 0)
  return id ~= 0 and Handle(id) or nil
end

-- As a connection for one request over HTTP/2, of those that are shared under this key; nil: none.
---@param key string
---@param is_sure boolean  as above
function tcp.ask(key, is_sure)
  local id = C.neap_conn_ask(key, #key, is_sure and 1 or 0)
  return id ~= 0 and Handle(id) or nil
end

-- connect(host, port, timeout) or connect("host:port", timeout) or connect("unix:/path", timeout);
-- then options: tls = true, or a table (verify, ca, server_name, certificate, key).
---@param address string
---@param port number|table|nil
---@param timeout number|table|nil  seconds, the name's lookup and the handshake included
---@param options table?
---@return any? conn, string? why
function tcp.connect(address, port, timeout, options)
  wait.check "neap.tcp.connect"
  local host, number, seconds, more = arguments(address, port, timeout, options)
  local tls
  seconds, tls = timeout_and_tls(seconds, more)
  return tcp.dial(host, port_of(number), seconds, tls)
end

return tcp
