-- Asks the backend how it is: grpc.health.v1.Health/Check, over HTTP/2.

local bit = require "bit"
local call = require "neap.io.call"
local dial = require "neap.check.dial"
local words = require "neap.words"

local PATH = "/grpc.health.v1.Health/Check"
-- Of HealthCheckResponse.ServingStatus.
local SERVING = 1
local STATUSES = { [0] = "UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN" }
local OK, UNIMPLEMENTED, NOT_FOUND = 0, 12, 5

-- ---- messages, as bytes (protobuf, with the prefix of gRPC) ----

local function varint(number)
  local bytes = {}
  while number > 127 do
    table.insert(bytes, string.char(128 + number % 128))
    number = math.floor(number / 128)
  end
  return table.concat(bytes) .. string.char(number)
end

local function prefixed(message)
  local n = #message
  return string.char(0, bit.rshift(n, 24), bit.band(bit.rshift(n, 16), 255),
    bit.band(bit.rshift(n, 8), 255), bit.band(n, 255)) .. message
end

-- Field 1 is the service's name; without one it is left out.
local function question(service)
  return prefixed(service == "" and "" or "\10" .. varint(#service) .. service)
end

-- Field 1 is the status, 0 when it is left out. nil: that is no such message.
local function status_in(body)
  local message = body:sub(6)
  if #body < 5 or body:byte(1) ~= 0 then return nil end
  if message == "" then return 0 end
  return message:byte(1) == 8 and message:byte(2) or nil
end

-- ---- the check ----

local function head_of(settings, backend)
  return table.concat({
    "POST " .. PATH .. " HTTP/1.1", "Host: " .. dial.authority(settings, backend),
    "te: trailers", "content-type: application/grpc", "user-agent: neap-healthcheck",
  }, "\r\n") .. "\r\n"
end

local function of_service(settings)
  return settings.service == "" and "" or (" of %s"):format(settings.service)
end

-- The call ended with another status than OK.
local function refusal(settings, status, message)
  if status == UNIMPLEMENTED then
    return "gRPC status 12 (UNIMPLEMENTED): the backend does not serve grpc.health.v1.Health "
      .. "(expected a server with the standard health service, or another type of check)"
  elseif status == NOT_FOUND and settings.service ~= "" then
    return ("gRPC status 5 (NOT_FOUND): the backend knows no service %s"):format(settings.service)
  end
  local text = message and message ~= "" and ": " .. message or ""
  return ("gRPC status %s (%s)%s"):format(tostring(status), words.grpc[status] or "?", text)
end

local function judge(settings, answer)
  local status = tonumber(answer.fields["grpc-status"])
  if answer.status ~= 200 then return false, ("status %d"):format(answer.status) end
  if not status then return false, "the answer has no grpc-status" end
  if status ~= OK then
    return false, refusal(settings, status, answer.fields["grpc-message"])
  end
  local serving = status_in(answer.body)
  if not serving then return false, "the answer is no HealthCheckResponse" end
  if serving == SERVING then return true end
  return false, ("the status%s is %s"):format(of_service(settings), STATUSES[serving] or serving)
end

return function(settings, backend, addresses)
  return dial.check(settings, backend, addresses, function(conn, deadline)
    local request = { head = head_of(settings, backend), body = question(settings.service),
      is_secure = dial.is_secure(settings, backend) }
    local answer, why = call.run(conn, request, function() return dial.left(deadline) end)
    if not answer then return false, dial.why(settings, why) end
    return judge(settings, answer)
  end)
end
