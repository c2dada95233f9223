-- `neap init DIR`: a project with a config, a policy, its spec, and the test kit.

local files = require "neap.project.files"
local native = require "neap.native"
local sorted = require "neap.sorted"
local trim = require "neap.trim"

local KIT, SOURCES = ".neap/", "lua/neap/"
local HELP = [[
usage: neap init DIR         a project with a config, a policy and its spec
       neap init --kit DIR   only its test kit and types (DIR/.neap), as of this neap, and
                             DIR/.busted, unless it is there

Then, in DIR: busted --lua=luajit
]]

-- The sources in the binary, by path.
local function kit()
  local all = { [KIT .. "lua/neap/abi.h"] = native.embedded "abi.h" }
  for _, path in ipairs(native.list(SOURCES)) do all[KIT .. path] = native.embedded(path) end
  return all
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- Makes the folders that a path goes through.
local function make_folders(path)
  local at = path:sub(1, 1) == "/" and 2 or 1
  while true do
    local slash = path:find("/", at, true)
    if not slash then return true end
    local ok, why = native.make_folder(path:sub(1, slash - 1))
    if not ok then return nil, why end
    at = slash + 1
  end
end

local function write(path, text)
  local ok, why = make_folders(path)
  if not ok then return nil, why end
  local file
  file, why = io.open(path, "wb")
  if not file then return nil, why end
  ok, why = file:write(text)
  local is_closed, why_not = file:close()
  if ok and is_closed then return true end
  return nil, ("%s: %s"):format(path, tostring(why or why_not))
end

local function write_all(folder, map)
  for _, name in ipairs(sorted.keys(map)) do
    local ok, why = write(folder .. name, map[name])
    if not ok then return nil, "init: " .. why end
  end
  return true
end

-- Existing files are not touched: neap must not replace what a user has written.
local function check_free(folder)
  local there = {}
  for _, name in ipairs(sorted.keys(files)) do
    if exists(folder .. name) then table.insert(there, folder .. name) end
  end
  if #there == 0 then return true end
  return nil, ("init: %s: there already; choose another folder (neap init --kit %s renews the test "
    .. "kit alone)"):format(table.concat(there, ", "), folder:gsub("/$", ""))
end

-- Without them busted does not find the kit.
local function settings_of_kit(folder)
  local name = ".busted"
  return exists(folder .. name) and {} or { [name] = files[name] }
end

local function parse(arguments)
  local o = {}
  for _, argument in ipairs(arguments) do
    if argument == "-h" or argument == "--help" then
      o.help = true
    elseif argument == "--kit" then
      o.kit = true
    elseif argument:sub(1, 1) == "-" then
      return nil, ("init: unknown option '%s' (neap init --help)"):format(argument)
    elseif o.folder or argument == "" then
      return nil, ("init: '%s' is too much: one folder is expected"):format(argument)
    else
      o.folder = trim.slashes(argument) .. "/"
    end
  end
  if not o.folder and not o.help then return nil, "init: which folder? neap init DIR" end
  return o
end

---@param arguments string[]
---@return integer? status, string? why
return function(arguments)
  local o, why = parse(arguments)
  if not o then return nil, why end
  if o.help then
    io.write(HELP)
    return 0
  end
  local ok = true
  if not o.kit then ok, why = check_free(o.folder) end
  if ok then ok, why = write_all(o.folder, kit()) end
  if ok then ok, why = write_all(o.folder, o.kit and settings_of_kit(o.folder) or files) end
  if not ok then return nil, why end
  if o.kit then
    io.write(("%s%s is of this neap now.\n"):format(o.folder, KIT:gsub("/$", "")))
    return 0
  end
  for _, name in ipairs(sorted.keys(files)) do io.write(o.folder, name, "\n") end
  io.write(("\nTest it:  cd %s && busted --lua=luajit\n"):format(o.folder:gsub("/$", "")))
  return 0
end
