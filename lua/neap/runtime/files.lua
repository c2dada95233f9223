-- Small files for answers: neap.reply { file = … } and the config's `errors`. Hooks cannot wait for
-- a disk, so files are read while the config and its policies are loaded: those that are asked for
-- then, and those whose name stands in the source, in a call of `reply`. Each worker keeps them as
-- long as it lives, so C may send their bytes without a copy.

local native = require "neap.native"

local files = {}

local FILE_MAX, ALL_MAX = 2^20, 2^24 -- bytes: of one, of all in a process

local TYPES = {
  html = "text/html; charset=utf-8", htm = "text/html; charset=utf-8",
  txt = "text/plain; charset=utf-8", css = "text/css; charset=utf-8",
  js = "text/javascript; charset=utf-8", md = "text/markdown; charset=utf-8",
  xml = "application/xml", json = "application/json", svg = "image/svg+xml", png = "image/png",
  jpg = "image/jpeg", jpeg = "image/jpeg", gif = "image/gif", webp = "image/webp",
  ico = "image/x-icon", pdf = "application/pdf", woff2 = "font/woff2",
}

local is_loading, stays_open = true, false
local folder = "" -- of what is loaded now
local folders = {} -- of the policies of services, by number from 0
local kept, bytes_kept = {}, 0 -- by path: { bytes, type }
local missing = {} -- by path: true; a source names it, and it was not there at load

---@param path string  "" or ending in "/"
---@return string before
function files.set_folder(path)
  local before = folder
  folder = path
  return before
end

---@param path string
---@return string  -- "" or ending in "/"
function files.folder_of(path) return path:match "^(.*/)" or "" end

local function type_of(path)
  local ending = path:match "%.([%w]+)$"
  return ending and TYPES[ending:lower()] or "application/octet-stream"
end

-- The file at that path, which is read if this is still allowed.
---@param path string
---@return table? file  bytes, type
---@return string? why
function files.read(path)
  if kept[path] then return kept[path] end
  if missing[path] then
    return nil, path .. ": there was no such file when the policy was loaded"
  end
  if not is_loading then
    return nil, path .. ": it was not read when the policy was loaded (make the reply at the top "
      .. "of the policy's file, or write the file's name into the call)"
  end
  local bytes, why = native.read(path)
  if not bytes then return nil, why end
  if #bytes > FILE_MAX then
    return nil, ("%s: it has %d bytes (expected at most %d)"):format(path, #bytes, FILE_MAX)
  end
  if bytes_kept + #bytes > ALL_MAX then
    return nil, ("%s: with it, all files for answers have more than %d bytes"):format(path, ALL_MAX)
  end
  kept[path], bytes_kept = { bytes = bytes, type = type_of(path) }, bytes_kept + #bytes
  return kept[path]
end

local function resolved(name, base) return name:sub(1, 1) == "/" and name or base .. name end

-- The file that a policy names: beside it.
---@param name string
---@param service integer?  whose hook runs, from 0; nil: none, it is being loaded
---@return table? file, string? why
function files.named(name, service)
  return files.read(resolved(name, service and folders[service] or folder))
end

-- Reads what a source names in calls like `reply { file = "sorry.html" }`. One that is not there is
-- an error only when it is asked for.
---@param source string
function files.look_in(source)
  if not source:find("file", 1, true) then return end
  for call in source:gmatch "reply%s*%(?%s*(%b{})" do -- linear: of the config's owner
    local name = call:match '%f[%w_]file%s*=%s*"([^"\n]*)"'
      or call:match "%f[%w_]file%s*=%s*'([^'\n]*)'"
    local path = name and resolved(name, folder)
    if path and native.has(path) then
      files.read(path)
    elseif path then
      missing[path] = true
    end
  end
end

-- The policy of a service was loaded from a file, or stands in the config.
function files.place(service, path) folders[service] = path and files.folder_of(path) or folder end

-- From now on hooks run.
function files.close() is_loading = stays_open end

-- For the test kit: a policy that stands in a spec is no file that could be looked into.
function files.stay_open() stays_open = true end

return files
