-- One request over HTTP/2 on a connection of its own, and its whole answer; for checks. C makes the
-- bytes and reads them; they are sent and received here.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"

local C, N = ffi.C, ffi.numbers

local call = {}

local BYTES_MAX = 16384 -- of one read
local TOO_LARGE = "the answer is too large" -- as src/http/h2_unary.c says it

-- What is to be sent now is sent.
local function send_all(c, conn, left)
  while C.neap_call_send(c) == 1 do
    local ok, why = conn:send(current.out(), left())
    if not ok then return nil, why end
  end
  return true
end

local function exchange(c, conn, left)
  while true do
    local ok, why = send_all(c, conn, left)
    if not ok then return nil, why end
    local bytes
    bytes, why = conn:receive_some(BYTES_MAX, left())
    if not bytes then return nil, why end
    local state = C.neap_call_receive(c, bytes, #bytes)
    if state == N.NEAP_CALL_FAILED then return nil, current.out() end
    if state == N.NEAP_CALL_WHOLE then return true end
  end
end

local function answer_of(c)
  local fields = {}
  C.neap_call_fields(c)
  for line in current.out():gmatch "[^\n]+" do
    local name, value = line:match "^(:?[^:]+): (.*)$"
    if name then fields[name] = value end
  end
  C.neap_call_body(c)
  return { status = tonumber(fields[":status"]), fields = fields, body = current.out() }
end

---@param conn table  of neap.io.tcp
---@param request table  head (a request line of HTTP/1.1 and field lines), body, is_secure,
--- is_cut (the beginning of a long body is enough)
---@param left fun(): number  seconds until it must be over
---@return table? answer  status, fields (by name, trailers too), body
---@return string? why
function call.run(conn, request, left)
  local c = C.neap_call_open(request.head, #request.head, request.is_secure and 1 or 0,
    request.body, #request.body)
  if c == nil then return nil, "no memory" end
  c = ffi.gc(c, C.neap_call_close)
  local ok, why = exchange(c, conn, left)
  local is_enough = request.is_cut and why == TOO_LARGE
  local answer = (ok or is_enough) and answer_of(c) or nil
  C.neap_call_close(ffi.gc(c, nil))
  return answer, why
end

return call
