-- HTTP/1.1 messages read from a stream (support.stream), for the client and the origin.
--
--   message.parse_request(head), message.parse_response(head) → message, or nil if it is none
--       request:  { method, target, version, headers, raw }
--       response: { version, status, reason, headers, raw }
--       headers: a list of { name =, value = } in order, and by lower-case name the value (several
--       values joined by ", ")
--   message.read_body(stream, headers, options) → body, or nil, reason, bytes so far
--       options.until_close: without a length, the body ends with the connection (responses)
--       options.sink(bytes): given the pieces instead of collecting them; the body is then ""
--       third value on success: trailers (same form as headers) if the body was chunked
--   message.format(first_line, headers, body) → bytes; headers as a list of lines or a map

local message = {}

local function parse_fields(text)
  local headers = {}
  for line in text:gmatch "([^\r\n]*)\r?\n" do
    local name, value = line:match "^([^:]+):[ \t]*(.-)[ \t]*$"
    if name then
      table.insert(headers, { name = name, value = value })
      local key = name:lower()
      headers[key] = headers[key] and headers[key] .. ", " .. value or value
    end
  end
  return headers
end

local function split(head)
  local line, rest = head:match "^([^\r\n]*)\r?\n(.*)$"
  return line or "", parse_fields(rest or "")
end

function message.parse_request(head)
  local line, headers = split(head)
  local method, target, version = line:match "^(%S+) (.-) (HTTP/[%d.]+)$"
  if not method then return nil end
  return { method = method, target = target, version = version, headers = headers, raw = head }
end

function message.parse_response(head)
  local line, headers = split(head)
  local version, status, reason = line:match "^(HTTP/[%d.]+) (%d%d%d) ?(.*)$"
  if not version then return nil end
  return {
    version = version,
    status = tonumber(status),
    reason = reason,
    headers = headers,
    raw = head,
  }
end

local function collector(sink)
  local pieces = {}
  local function take(bytes)
    if sink then sink(bytes) else table.insert(pieces, bytes) end
  end
  return take, function() return table.concat(pieces) end
end

local function read_exactly(stream, count, take)
  while count > 0 do
    local bytes, why = stream:read_some(count)
    if not bytes then return nil, why end
    count = count - #bytes
    take(bytes)
  end
  return true
end

local function read_trailers(stream)
  local lines = {}
  while true do
    local line, why = stream:read_until "\n"
    if not line then return nil, why end
    if line == "\r\n" or line == "\n" then return parse_fields(table.concat(lines)) end
    table.insert(lines, line)
  end
end

local function read_chunked(stream, take)
  while true do
    local line, why = stream:read_until "\n"
    if not line then return nil, why end
    local size = tonumber(line:match "^(%x+)", 16)
    if not size then return nil, "bad chunk size: " .. line end
    if size == 0 then return read_trailers(stream) end
    local ok
    ok, why = read_exactly(stream, size, take)
    if not ok then return nil, why end
    local mark
    mark, why = stream:read_until "\n"
    if not mark then return nil, why end
    if mark ~= "\r\n" then return nil, "no line end after a chunk" end
  end
end

local function read_to_end(stream, take)
  while true do
    local bytes, why = stream:read_some()
    if not bytes then return why == "closed", why end
    take(bytes)
  end
end

function message.read_body(stream, headers, options)
  options = options or {}
  local take, collected = collector(options.sink)
  local coding, length = headers["transfer-encoding"], tonumber(headers["content-length"])
  local ok, why = true, nil
  local trailers
  if coding and coding:lower():find "chunked%s*$" then
    trailers, why = read_chunked(stream, take)
    ok = trailers
  elseif length then
    ok, why = read_exactly(stream, length, take)
  elseif options.until_close then
    ok, why = read_to_end(stream, take)
  end
  if not ok then return nil, why, collected() end
  return collected(), nil, trailers
end

local function add_fields(lines, headers)
  for name, value in pairs(headers or {}) do
    if type(name) == "number" then
      table.insert(lines, type(value) == "table" and value.name .. ": " .. value.value or value)
    else
      table.insert(lines, name .. ": " .. value)
    end
  end
end

function message.format(first_line, headers, body)
  local lines = { first_line }
  add_fields(lines, headers)
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

return message
