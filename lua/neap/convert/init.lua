-- `neap convert FILE`: the configuration of nginx or HAProxy as one of neap's.

local native = require "neap.native"
local notes_of = require "neap.convert.notes"
local source = require "neap.convert.source"
local trim = require "neap.trim"

local HELP = [[
usage: neap convert FILE [-o DIR] [--from nginx|haproxy]

FILE is an nginx.conf or a haproxy.cfg; which of them, its text says. Writes DIR/config.lua, and
DIR/policy.lua where Lua is needed; without -o both go to stdout. Files that are there stay.

What neap cannot say is a comment at its place (NOT CONVERTED, DIFFERS) and a line on stderr.
The exit status is 0 if all was converted, 2 if something was not, and 1 if nothing was written.

Then: neap -t -c DIR/config.lua
]]

local function value_of(arguments, i)
  local value = arguments[i + 1]
  if not value or value == "" then
    return nil, ("convert: %s needs a value (neap convert --help)"):format(arguments[i])
  end
  return value
end

local VALUES = { ["-o"] = "folder", ["--out"] = "folder", ["--from"] = "from" }

local function parse(arguments)
  local o, i = {}, 1
  while i <= #arguments do
    local word = arguments[i]
    if word == "-h" or word == "--help" then
      o.help = true
    elseif VALUES[word] then
      local value, why = value_of(arguments, i)
      if not value then return nil, why end
      o[VALUES[word]], i = value, i + 1
    elseif word:sub(1, 1) == "-" then
      return nil, ("convert: unknown option '%s' (neap convert --help)"):format(word)
    elseif o.file or word == "" then
      return nil, ("convert: '%s' is too much: one file is expected"):format(word)
    else
      o.file = word
    end
    i = i + 1
  end
  if o.from and o.from ~= "nginx" and o.from ~= "haproxy" then
    return nil, ("convert: --from %s: nginx or haproxy is expected"):format(o.from)
  end
  if not o.file and not o.help then return nil, "convert: which file? neap convert FILE" end
  return o
end

local SECTIONS = { global = true, defaults = true, frontend = true, backend = true, listen = true }

-- Sections begin a line in one of them, words before braces and semicolons are of the other.
local function dialect_of(bytes)
  for line in bytes:gmatch "[^\n]+" do
    local word, rest = line:match "^%s*([%a_]+)(.*)$"
    if word then
      if SECTIONS[word] and not rest:find "[{;]" then return "haproxy" end
      return "nginx"
    end
  end
  return nil
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function write_file(path, text)
  local file, why = io.open(path, "wb")
  local ok
  if file then
    ok, why = file:write(text)
    if ok then ok, why = file:close() end
  end
  if not ok then return nil, ("convert: %s: %s"):format(path, tostring(why)) end
  return true
end

local NAMES = { { "config", "config.lua" }, { "policy", "policy.lua" } }

local function write_all(folder, result)
  folder = trim.slashes(folder)
  local ok, why = native.make_folder(folder)
  if not ok then return nil, "convert: " .. why end
  for _, row in ipairs(NAMES) do
    local path = folder .. "/" .. row[2]
    if result[row[1]] and exists(path) then
      return nil, ("convert: %s is there already; choose another folder"):format(path)
    end
  end
  for _, row in ipairs(NAMES) do
    if result[row[1]] then
      ok, why = write_file(folder .. "/" .. row[2], result[row[1]])
      if not ok then return nil, why end
    end
  end
  return true
end

local function print_all(result)
  for _, row in ipairs(NAMES) do
    if result[row[1]] then io.write(("-- ==== %s\n%s"):format(row[2], result[row[1]])) end
  end
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
  local files, notes = source.new(), notes_of.new()
  local bytes, result, ok
  bytes, why = files:read(o.file)
  if not bytes then return nil, "convert: " .. why end
  local from = o.from or dialect_of(bytes)
  if not from then return nil, ("convert: %s: nothing is in it"):format(o.file) end
  result, why = require("neap.convert." .. from)(bytes, o.file, files, notes,
    ("Made by neap convert from %s. It is yours now."):format(o.file))
  if not result then return nil, "convert: " .. why end
  if o.folder then ok, why = write_all(o.folder, result) else ok = true print_all(result) end
  if not ok then return nil, why end
  notes:report(function(text) io.stderr:write(text) end, o.file)
  return notes.missing > 0 and 2 or 0
end
