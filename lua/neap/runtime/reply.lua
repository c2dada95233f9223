-- neap.reply{ status =, headers =, body = }: the answer that a `request` hook gives itself.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"

local C = ffi.C

local reply = {}

local is_reply = setmetatable({}, { __mode = "k" })
local KEYS = { status = true, headers = true, body = true }

-- level: whose error it is, as `error` counts; 0 when the policy's line is not known any more.
local function check_status(status, level)
  if type(status) ~= "number" or status % 1 ~= 0 or status < 200 or status > 599 then
    error(("neap.reply: status must be an integer from 200 to 599, not %s")
      :format(tostring(status)), level)
  end
end

local function check_parts(headers, body, level)
  if type(headers) ~= "table" then error("neap.reply: headers must be a table", level) end
  if type(body) ~= "string" then
    error(("neap.reply: body must be a string, not %s"):format(type(body)), level)
  end
end

local function header_text(name, value, level)
  if type(value) == "number" then value = tostring(value) end
  if type(name) ~= "string" or type(value) ~= "string" then
    error(("neap.reply: header '%s' must be a string, or a list of strings")
      :format(tostring(name)), level)
  end
  return value
end

local function check_header(name, value)
  value = header_text(name, value, 5)
  local code = C.neap_reply_check(name, #name, value, #value)
  if code ~= 0 then current.refused(code, name, 5) end
end

local function check_headers(headers)
  for name, value in pairs(headers) do
    if type(value) == "table" then
      for _, item in ipairs(value) do check_header(name, item) end
    else
      check_header(name, value)
    end
  end
end

---@param fields table  status = 200, headers (name = text or list of texts), body = ""
---@return table
function reply.new(fields)
  if type(fields) ~= "table" then error("neap.reply { status =, headers =, body = }", 2) end
  for key in pairs(fields) do
    if not KEYS[key] then error(("neap.reply: unknown key '%s'"):format(tostring(key)), 2) end
  end
  local status, headers, body = fields.status or 200, fields.headers or {}, fields.body or ""
  check_status(status, 3)
  if type(body) == "number" then body = tostring(body) end
  check_parts(headers, body, 3)
  check_headers(headers)
  local object = { status = status, headers = headers, body = body }
  is_reply[object] = true
  return object
end

function reply.is(value) return is_reply[value] == true end

local function add_header(r, name, value)
  value = header_text(name, value, 0)
  local code = C.neap_reply_header(r, name, #name, value, #value)
  if code ~= 0 then current.refused(code, name, 0) end
end

-- Headers in a fixed order, so that the same answer has the same bytes.
local function sorted_names(headers)
  local names = {}
  for name in pairs(headers) do table.insert(names, name) end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

-- Writes it into the request's view, where C finds it. It may have been changed since it was made.
function reply.write(object, r)
  check_status(object.status, 0)
  check_parts(object.headers, object.body, 0)
  C.neap_reply_start(r, object.status)
  for _, name in ipairs(sorted_names(object.headers)) do
    local value = object.headers[name]
    if type(value) == "table" then
      for _, item in ipairs(value) do add_header(r, name, item) end
    else
      add_header(r, name, value)
    end
  end
  if C.neap_reply_body(r, object.body, #object.body) ~= 0 then
    error("neap.reply: out of memory", 0)
  end
end

return reply
