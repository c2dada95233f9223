-- gRPC calls over HTTP/1, as far as heads go: what neap says of them is the same in any version.
--
--   grpc_call.send(n, options) → response    options: path, headers, body; one call
--   grpc_call.status(n, options) → grpc-status as a number, grpc-message, response
--   grpc_call.server(answer, options) → origin    answer: { status = grpc-status, message =,
--       headers = } of a trailers-only answer, or a function(conn, request) that returns one

local client = require "support.client"
local origin = require "support.origin"

local grpc_call = {}

function grpc_call.send(n, options)
  options = options or {}
  local fields = { ["Content-Type"] = "application/grpc", TE = "trailers" }
  for name, value in pairs(options.headers or {}) do fields[name] = value end
  local c = client.connect(n.address)
  local response = c:request("POST", options.path or "/shop.Cart/Add", fields,
    options.body or "\0\0\0\0\0")
  c:close()
  return response
end

function grpc_call.status(n, options)
  local response = grpc_call.send(n, options)
  return tonumber(response.headers["grpc-status"]), response.headers["grpc-message"], response
end

function grpc_call.server(answer, options)
  options = options or {}
  options.handler = function(conn, request)
    conn:read_body()
    local given = type(answer) == "function" and answer(conn, request) or answer
    local headers = { ["Content-Type"] = "application/grpc" }
    for name, value in pairs(given.headers or {}) do headers[name] = value end
    if given.status then headers["grpc-status"] = given.status end
    headers["grpc-message"] = given.message
    return { status = 200, headers = headers, body = "" }
  end
  return origin.start(options)
end

return grpc_call
