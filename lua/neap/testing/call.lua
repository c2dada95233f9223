-- gRPC calls in the kit: what makes a request one, and what neap's own answers to it are.

local config = require "neap.config.grpc"
local ffi = require "neap.ffi"

local call = {}

local N = ffi.numbers

-- As src/http/grpc.c has them.
local OF_HTTP = {
  [400] = N.NEAP_GRPC_INTERNAL, [417] = N.NEAP_GRPC_INTERNAL,
  [401] = N.NEAP_GRPC_UNAUTHENTICATED, [403] = N.NEAP_GRPC_PERMISSION_DENIED,
  [404] = N.NEAP_GRPC_UNIMPLEMENTED, [405] = N.NEAP_GRPC_UNIMPLEMENTED,
  [501] = N.NEAP_GRPC_UNIMPLEMENTED, [505] = N.NEAP_GRPC_UNIMPLEMENTED,
  [408] = N.NEAP_GRPC_DEADLINE_EXCEEDED, [504] = N.NEAP_GRPC_DEADLINE_EXCEEDED,
  [413] = N.NEAP_GRPC_RESOURCE_EXHAUSTED, [414] = N.NEAP_GRPC_RESOURCE_EXHAUSTED,
  [429] = N.NEAP_GRPC_RESOURCE_EXHAUSTED, [431] = N.NEAP_GRPC_RESOURCE_EXHAUSTED,
  [499] = N.NEAP_GRPC_CANCELLED,
  [502] = N.NEAP_GRPC_UNAVAILABLE, [503] = N.NEAP_GRPC_UNAVAILABLE,
}

-- Is a request with these fields a call?
---@param fields {[1]: string, [2]: string}[]
---@return boolean
function call.is(fields)
  for _, field in ipairs(fields) do
    if field[1]:lower() == "content-type" then
      return field[2]:lower():find "^application/grpc$" ~= nil
        or field[2]:lower():find "^application/grpc[+; \t]" ~= nil
    end
  end
  return false
end

local function encoded(message)
  return (message:sub(1, 1024):gsub("[^ -$&-~]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

-- Makes an answer a status and a message, without a body.
---@param result table
---@param status integer
---@param message string
---@param fields table  the others of its head
function call.finish(result, status, message, fields)
  result.status, result.grpc_status, result.body = 200, status, ""
  result.fields = { { "content-type", "application/grpc" }, { "grpc-status", tostring(status) },
    { "grpc-message", encoded(message) } }
  for _, field in ipairs(fields) do table.insert(result.fields, field) end
end

-- The status of a call in place of one of HTTP.
---@param status integer
---@param is_full boolean?  it waited for a slot in vain
---@return integer
function call.of_http(status, is_full)
  if is_full then return N.NEAP_GRPC_RESOURCE_EXHAUSTED end
  return OF_HTTP[status] or N.NEAP_GRPC_UNKNOWN
end

-- A policy's own answer to a call: a page becomes a status.
---@param result table
---@param reply table  status, headers (pairs), body
function call.reply(result, reply)
  local kept, type, status = {}, nil, nil
  for _, field in ipairs(reply.headers) do
    local name = field[1]:lower()
    if name == "content-type" then type = field[2] end
    if name == "grpc-status" then status = field[2] end
    if not name:find "^content%-" then table.insert(kept, field) end
  end
  if status or reply.status < 300 then
    result.status, result.fields, result.body = reply.status, reply.headers, reply.body
    result.grpc_status = status and config.status(tonumber(status)) or nil
    return
  end
  local text = reply.body
  while text:find "[\r\n]$" do text = text:sub(1, -2) end
  local is_text = text ~= "" and (not type or type:find "^text/plain")
  local message = is_text and text or "status " .. reply.status
  call.finish(result, call.of_http(reply.status), message, kept)
end

return call
