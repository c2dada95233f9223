-- It answers a request well: with a good status, and the text that is looked for.

local dial = require "neap.check.dial"

local BODY_MAX = 65536

local function base_of(backend)
  if backend.base then return backend.base end
  return (backend.url:match "^%a+://[^/]*(.-)/*$" or "")
end

local function host_of(settings, backend)
  if settings.host then return settings.host end
  if not backend.host or backend.host == "" then return "localhost" end
  local is_v6 = backend.host:find(":", 1, true)
  return (is_v6 and "[%s]:%d" or "%s:%d"):format(backend.host, backend.port)
end

local function request_of(settings, backend)
  local lines = {
    ("%s %s%s HTTP/1.1"):format(settings.method, base_of(backend), settings.path),
    "Host: " .. host_of(settings, backend),
    "User-Agent: neap-healthcheck",
    "Accept: */*",
    "Connection: close",
  }
  if settings.method ~= "GET" and settings.method ~= "HEAD" then
    table.insert(lines, "Content-Length: 0")
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function is_good(ranges, status)
  for _, range in ipairs(ranges) do
    if status >= range[1] and status <= range[2] then return true end
  end
  return false
end

local function judge(settings, status, body)
  if not is_good(settings.status, status) then return false, ("status %d"):format(status) end
  if settings.body and not body:find(settings.body, 1, true) then
    return false, "the body does not contain what is looked for"
  end
  return true
end

local function exchange(settings, backend, conn, deadline)
  local ok, why = conn:send(request_of(settings, backend), dial.left(deadline))
  if not ok then return nil, why end
  local is_head, wanted = settings.method == "HEAD", settings.body and BODY_MAX or 0
  local left = dial.left(deadline)
  local status, headers, body = conn:receive_response(is_head, wanted, left, true)
  if not status then return nil, headers end
  return status, body
end

return function(settings, backend, addresses)
  local deadline = dial.clock() + settings.timeout
  local conn, why = dial.connect(backend, addresses, settings.timeout)
  if not conn then return false, why, "connect" end
  local status, body = exchange(settings, backend, conn, deadline)
  conn:close()
  if not status then
    if body == "timeout" then body = ("timed out after %g s"):format(settings.timeout) end
    return false, body
  end
  return judge(settings, status, body)
end
