-- Files that registries are, or that hold their secrets. They are read anew each time, for others
-- renew them.

local current = require "neap.runtime.current"
local C = require("neap.ffi").C
local trim = require "neap.trim"

local files = {}

local SECRET_MAX = 65536

-- Another text whenever the file changed.
---@param path string
---@return string? stamp, string? why
function files.stamp(path)
  local ok = C.neap_file_stamp(path, #path) == 1
  local text = current.out()
  if ok then return text end
  return nil, text
end

---@param path string
---@param max integer  bytes
---@return string? bytes, string? why
function files.load(path, max)
  local ok = C.neap_file_load(path, #path, max) == 1
  local text = current.out()
  if ok then return text end
  return nil, text
end

---@param path string
---@return string? line, string? why
function files.first_line(path)
  local bytes, why = files.load(path, SECRET_MAX)
  if not bytes then return nil, why end
  local line = trim.blanks(bytes:match "^[^\r\n]*")
  if line == "" or line:find "%c" then return nil, path .. ": its first line is no secret" end
  return line
end

---@param path string?  nil: there is none
---@return string? pem, string? why
function files.pem(path)
  if not path then return nil end
  return files.load(path, SECRET_MAX * 16)
end

return files
