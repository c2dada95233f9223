-- neap.http.get and neap.http.request: one request over a connection that is kept for the next one
-- to the same server, in a waiting hook.

local answer = require "neap.io.answer"
local draft = require "neap.io.draft"
local ffi = require "neap.ffi"
local line = require "neap.io.line"
local wait = require "neap.runtime.wait"

local C = ffi.C

local http = { parse_headers = answer.parse_headers }

local BODY_MAX = 1024 * 1024

-- Seconds that are left of the request's time; nil: as long as the hook may run.
local function left_of(timeout)
  if not timeout then return function() return nil end end
  local deadline = C.neap_clock() + timeout
  return function() return math.max(deadline - C.neap_clock(), 0.001) end
end

local function let_go(conn, key, is_whole)
  if is_whole then conn:keep(key) else conn:close() end
end

local function receive_whole(conn, asked, key, left)
  local most = asked.options.max_bytes or BODY_MAX
  local status, headers, body = conn:receive_response(asked.is_head, most, left())
  let_go(conn, key, status)
  if not status then return nil, headers end
  return answer.whole(status, headers, body)
end

local function receive_stream(conn, asked, key, left)
  local status, headers = conn:receive_head(asked.is_head, left())
  if not status then
    conn:close()
    return nil, headers
  end
  return answer.streamed(status, headers, {
    receive = function() return conn:receive_piece(left()) end,
    finish = function(is_whole) let_go(conn, key, is_whole) end,
    max = asked.options.max_bytes or math.huge,
  })
end

-- nil and why
local function talk(conn, asked, key, left)
  local ok, why = conn:send(asked.head .. asked.body, left())
  if not ok then
    conn:close()
    return nil, why
  end
  local receive = asked.options.stream and receive_stream or receive_whole
  return receive(conn, asked, key, left)
end

-- RFC 9110 §9.2.2: what may be sent twice.
local REPEATABLE = { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true,
  DELETE = true }

-- What the server has done nothing of (src/script/link_call.c) may be sent again whatever it is.
local REFUSED = "the server did not take the request"

-- Over a connection that is there, which may have ended unseen: what may be sent twice is sent over
-- a fresh one then. The rest only goes over one that stands for sure, as with backends.
local function exchange(asked)
  local key, left = line.key(asked), left_of(asked.options.timeout)
  local is_repeatable = REPEATABLE[asked.method]
  local conn = line.there(asked, key, not is_repeatable)
  if conn then
    local got, why = talk(conn, asked, key, left)
    local is_again = why ~= "timeout" and is_repeatable or why == REFUSED
    if got or not is_again then return got, why end
  end
  local why
  conn, why = line.new(asked, key, left)
  if not conn then return nil, why end
  return talk(conn, asked, key, left)
end

-- options: url; method ("GET"), headers, body, timeout (seconds, for all of it), connect_timeout,
-- max_bytes (of the answer's body, 1 MiB), stream (its body is read in pieces), tls (of https://:
-- verify, ca, server_name, certificate, key; PEM texts), http2 (true: it must be; false: not; else
-- what ALPN gives). Redirects are answers as others are.
---@return table? answer, string? why
function http.request(options)
  wait.check "neap.http.request"
  local ok, asked = pcall(draft.new, options)
  if not ok then error(asked, 2) end
  return exchange(asked)
end

---@param url string
---@param options table?
function http.get(url, options)
  wait.check "neap.http.get"
  local all = { url = url }
  for key, value in pairs(options or {}) do all[key] = value end
  local ok, asked = pcall(draft.new, all)
  if not ok then error(asked, 2) end
  return exchange(asked)
end

return http
