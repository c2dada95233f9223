-- Checks that the backend gives a good answer: a good status, and the expected header fields and
-- text.

local call = require "neap.io.call"
local dial = require "neap.check.dial"
local http = require "neap.io.http"
local matcher = require "neap.check.matcher"
local sorted = require "neap.sorted"
local trim = require "neap.trim"

local BODY_MAX = 65536

local function base_of(backend)
  if backend.base then return backend.base end
  return trim.slashes(backend.url:match "^%a+://[^/]*(.*)$" or "")
end

local OURS = { { "user-agent", "neap-healthcheck" }, { "accept", "*/*" } }

local function header_lines(settings, lines)
  for _, name in ipairs(sorted.keys(settings.headers)) do
    table.insert(lines, ("%s: %s"):format(name, settings.headers[name]))
  end
  for _, field in ipairs(OURS) do
    if not settings.headers[field[1]] then table.insert(lines, table.concat(field, ": ")) end
  end
end

local function lines_of(settings, backend)
  local lines = {
    ("%s %s%s HTTP/1.1"):format(settings.method, base_of(backend), settings.path),
    "Host: " .. dial.authority(settings, backend),
  }
  header_lines(settings, lines)
  return lines
end

local function request_of(settings, backend)
  local lines = lines_of(settings, backend)
  table.insert(lines, "Connection: close")
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

-- The first field that is not as expected, in words. text: field lines, or the fields by name.
local function wrong_field(settings, text)
  local fields = type(text) == "table" and text
    or next(settings.expect_headers) and http.parse_headers(text)
  for name, wanted in pairs(settings.expect_headers) do
    local value = fields[name]
    if not value then return ("the answer has no header %s"):format(name) end
    if wanted ~= true and not matcher.is_in(wanted, value) then
      return ("the header %s does not contain %s"):format(name, matcher.describe(wanted))
    end
  end
end

local function judge(settings, answer)
  if not is_good(settings.status, answer.status) then
    return false, ("status %d"):format(answer.status)
  end
  local why = wrong_field(settings, answer.headers)
  if why then return false, why end
  if settings.body and not matcher.is_in(settings.body, answer.body) then
    return false, "the body does not contain " .. matcher.describe(settings.body)
  end
  return true
end

-- The same as over HTTP/1.1, with its fields by name.
local function exchange_h2(settings, backend, conn, deadline)
  local request = { head = table.concat(lines_of(settings, backend), "\r\n") .. "\r\n", body = "",
    is_secure = dial.is_secure(settings, backend), is_cut = true }
  local answer, why = call.run(conn, request, function() return dial.left(deadline) end)
  if not answer then return nil, why end
  return { status = answer.status, headers = answer.fields, body = answer.body }
end

local function exchange(settings, backend, conn, deadline)
  local ok, why = conn:send(request_of(settings, backend), dial.left(deadline))
  if not ok then return nil, why end
  local is_head, wanted = settings.method == "HEAD", settings.body and BODY_MAX or 0
  local left = dial.left(deadline)
  local status, headers, body = conn:receive_response(is_head, wanted, left, true)
  if not status then return nil, headers end
  return { status = status, headers = headers, body = body }
end

return function(settings, backend, addresses)
  return dial.check(settings, backend, addresses, function(conn, deadline)
    local ask = dial.speaks_h2(settings, backend, conn) and exchange_h2 or exchange
    local answer, why = ask(settings, backend, conn, deadline)
    if not answer then return false, dial.why(settings, why) end
    return judge(settings, answer)
  end)
end
