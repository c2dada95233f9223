-- neap.reply{ status =, headers =, body = }: the answer that a `request` hook gives itself.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local files = require "neap.runtime.files"
local nearest = require "neap.config.nearest"
local show = require "neap.config.show"

local C, state = ffi.C, current.state

local reply = {}

local is_reply = setmetatable({}, { __mode = "k" })
local KEYS = { status = true, headers = true, body = true, file = true }
local file_of = setmetatable({}, { __mode = "k" }) -- reply → the file that is its body

-- level: whose error it is, as `error` counts; 0 when the policy's line is not known any more.
local function check_status(status, level)
  if status == nil then return end
  if type(status) ~= "number" or status % 1 ~= 0 or status < 200 or status > 599 then
    error(("neap.reply: status must be an integer from 200 to 599, not %s")
      :format(show.value(status)), level)
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

-- It stands in the source of the policy, or the policy is loaded right now.
local function file_named(name)
  if type(name) ~= "string" or name == "" or name:find "%z" then
    error("neap.reply: file must be the name of a file", 4)
  end
  local r = state.request
  local file, why = files.named(name, r ~= nil and r.service or nil)
  if not file then
    error("neap.reply: file: " .. why, 4)
  end
  return file
end

-- The bytes that go out, and the file they are, if they are one.
local function body_of(fields)
  if fields.file == nil then
    local body = fields.body or ""
    return type(body) == "number" and tostring(body) or body, nil
  end
  if fields.body ~= nil then error("neap.reply: body and file do not go together", 3) end
  local file = file_named(fields.file)
  return file.bytes, file
end

local function unknown_key(key)
  local near = type(key) == "string" and nearest.find(key, { "status", "headers", "body", "file" })
  error(("neap.reply: unknown key %s%s"):format(show.value(key),
    near and ("; did you mean '%s'?"):format(near)
      or " (known: status, headers, body, file)"), 3)
end

---@param fields table  status (200; in the hook `error`, that of the error), headers (name = text
---  or list of texts), body = "", file: a file's name instead
---@return table
function reply.new(fields)
  if type(fields) ~= "table" then error("neap.reply { status =, headers =, body = }", 2) end
  for key in pairs(fields) do
    if not KEYS[key] then unknown_key(key) end
  end
  local status, headers = fields.status, fields.headers or {}
  local body, file = body_of(fields)
  check_status(status, 3)
  check_parts(headers, body, 3)
  check_headers(headers)
  local object = { status = status, headers = headers, body = body }
  is_reply[object], file_of[object] = true, file
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

local function has_type(headers)
  for name in pairs(headers) do
    if tostring(name):lower() == "content-type" then return true end
  end
  return false
end

local function write_headers(r, headers)
  for _, name in ipairs(sorted_names(headers)) do
    local value = headers[name]
    if type(value) == "table" then
      for _, item in ipairs(value) do add_header(r, name, item) end
    else
      add_header(r, name, value)
    end
  end
end

-- Writes it into the request's view, where C finds it. It may have been changed since it was made.
---@param status integer?  if it has none of its own
function reply.write(object, r, status)
  check_status(object.status, 0)
  check_parts(object.headers, object.body, 0)
  C.neap_reply_start(r, object.status or status or 200)
  write_headers(r, object.headers)
  local file = file_of[object]
  if file and not has_type(object.headers) then add_header(r, "Content-Type", file.type) end
  if file and rawequal(object.body, file.bytes) then
    C.neap_reply_kept(r, file.bytes, #file.bytes)
  elseif C.neap_reply_body(r, object.body, #object.body) ~= 0 then
    error("neap.reply: out of memory", 0)
  end
end

-- A file is the answer.
---@param file table  of neap.runtime.files
function reply.page(file, r, status)
  C.neap_reply_start(r, status)
  add_header(r, "Content-Type", file.type)
  C.neap_reply_kept(r, file.bytes, #file.bytes)
end

return reply
