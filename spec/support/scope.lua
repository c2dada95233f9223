-- What a spec started, and its end.
--
--   scope.add(object)        object:dispose() is called when the spec ends (last added first); it
--                            raises if something was wrong with the object. object:describe(),
--                            if there, gives the text (logs) printed when the spec failed.
--   scope.directory() → path of a fresh folder, removed when the spec ends (kept with $NEAP_KEEP)
--   scope.write(path, text), scope.read(path) → text or ""
--
-- Things made in before_each or in the spec end with the spec; those made in setup end with the
-- file.

local stdlib = require "posix.stdlib"
local unistd = require "posix.unistd"
local dirent = require "posix.dirent"
local stat = require "posix.sys.stat"

local scope = {}

local file_objects = {}
local spec_objects

function scope.add(object)
  table.insert(spec_objects or file_objects, object)
  return object
end

function scope.read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "*a"
  file:close()
  return text or ""
end

function scope.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

local function remove(path)
  local info = stat.lstat(path)
  if info and stat.S_ISDIR(info.st_mode) ~= 0 then
    for name in dirent.files(path) do
      if name ~= "." and name ~= ".." then remove(path .. "/" .. name) end
    end
    unistd.rmdir(path)
  elseif info then
    unistd.unlink(path)
  end
end

local directory = {}
directory.__index = directory

function directory:dispose()
  if not os.getenv "NEAP_KEEP" then remove(self.path) end
end

function scope.directory()
  local path = assert(stdlib.mkdtemp((os.getenv "TMPDIR" or "/tmp") .. "/neap-spec-XXXXXX"))
  stat.chmod(path, tonumber("755", 8)) -- policies run with the rights of `user`
  scope.add(setmetatable({ path = path }, directory))
  return path
end

local function print_logs(logs)
  for _, log in ipairs(logs) do io.stderr:write("\n", log, "\n") end
end

-- Ends all of them, whatever each says; then raises what the first complaint was.
local function dispose(objects, passed)
  local logs, complaint = {}, nil
  for index = #objects, 1, -1 do
    local object = objects[index]
    local ok, err = pcall(object.dispose, object, passed)
    if not ok then complaint = complaint or err end
    if object.describe then table.insert(logs, 1, object:describe()) end
  end
  if not passed or complaint then print_logs(logs) end
  if complaint then error(complaint, 0) end
end

function scope.open() spec_objects = {} end

function scope.close(passed)
  local objects = spec_objects or {}
  spec_objects = nil
  dispose(objects, passed)
end

function scope.close_file()
  local objects = file_objects
  file_objects = {}
  dispose(objects, true)
end

return scope
