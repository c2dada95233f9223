-- Reads a configuration: a Lua file that returns a table, or a JSON file. The result is a checked
-- and complete table, or a list of everything that is wrong.

local backends = require "neap.config.backends"
local build = require "neap.config.build"
local json = require "neap.config.json"
local reporter = require "neap.config.report"
local show = require "neap.config.show"
local trim = require "neap.trim"
local utf8 = require "neap.config.utf8"

local load = {}

local LIMIT = 1000 -- what fits into C's struct error

local function fail(text, key)
  return nil, { { key = key or "", text = text } }
end

local function folder_of(path) return path:match "^(.*/)" or "" end

-- Some errors name the file themselves; all are printed after its name.
local function without_path(text, path)
  if text:sub(1, #path + 1) ~= path .. ":" then return text end
  text = text:sub(#path + 2)
  local line, rest = text:match "^(%d+): (.*)$"
  return rest or (text:gsub("^ ", "")), line
end

-- The first place of a traceback in this file that the message does not name itself.
local function caller(trace, message, path)
  for line in trace:gmatch "[^\n]+" do
    line = trim.blanks(line)
    local place = line:sub(1, #path) == path and line:match("^:%d+: ", #path + 1)
    if place and message:sub(1, #path + #place) ~= path .. place then return line end
  end
end

-- The message, and where it was called from.
local function first_lines(text, path)
  local message, trace = text:match "^(.-)\nstack traceback:\n(.*)$"
  message = (message or text):gsub("\n%s*", " ")
  local place = trace and caller(trace, message, path)
  return place and ("%s (called from %s)"):format(message, place) or message
end

local RETURN = " (the file must return a table: begin it with return {)"

local function run_lua(path, bytes, files)
  local value, why = files.run(bytes, "@" .. path)
  if why ~= nil then
    local text, line = without_path(first_lines(tostring(why), path), path)
    if not bytes:find "%f[%w_]return%f[^%w_]" then text = text .. RETURN end
    return nil, { { key = "", text = text, line = line } }
  end
  if value == nil then return fail "the file returns nothing (expected a table: return { … })" end
  if type(value) ~= "table" then
    return fail(("the file returns %s (expected a table)"):format(show.value(value)))
  end
  return value
end

local function evaluate(path, bytes, files)
  if bytes:find "^\27" then return fail "this is bytecode (expected Lua source or JSON)" end
  local at = utf8.invalid_at(bytes)
  if at then return fail(("byte %d: the file is not UTF-8 text"):format(at)) end
  if bytes:find "^[%s]*$" then return fail "the file is empty" end
  if not path:find "%.json$" then return run_lua(path, bytes, files) end
  local value, errors = json.decode(bytes)
  if value == nil then return nil, errors end
  return json.from_article(value)
end

-- The configuration that a table says, as a file would return it.
---@param raw any
---@param folder string  paths are relative to it
---@return table? config
---@return {key: string, text: string}[]? errors
function load.from_table(raw, folder)
  local report = reporter.new()
  local config = build.config(raw, folder, report)
  if config then return config end
  return nil, report:close()
end

---@param path string
---@param files table  read(path) → bytes or nil, why; run(bytes, chunk name) → value or nil, why
---@return table? config
---@return {key: string, text: string, line: string?}[]? errors
function load.load(path, files)
  local bytes, why = files.read(path)
  if not bytes then return fail((without_path(tostring(why), path))) end
  local raw, errors = evaluate(path, bytes, files)
  if raw == nil then return nil, errors end
  return load.from_table(raw, folder_of(path))
end

-- A list of backends that comes later than the config: from a `discover` hook or the admin side.
---@param value any
---@param key string  what errors call it
---@param pool table?  name, health: the one they are for
---@param services table[]?  of the config, with `pool`
---@return table[]? list
---@return {key: string, text: string}[]? errors
function load.backends(value, key, pool, services)
  return backends.list(value, key, pool, services)
end

local function with_key(key, text)
  return (key ~= "" and key ~= nil and key .. ": " or "") .. text
end

-- Errors of a list that came later than the config, on one line.
---@param errors {key: string, text: string}[]
---@param name string?  what errors call a list of one backend: then they speak of that alone
---@return string
function load.in_words(errors, name)
  local parts, only = {}, name and name .. "[1]"
  for i, e in ipairs(errors) do
    local key = e.key
    if only and key and key:sub(1, #only) == only then key = key:sub(#only + 1):gsub("^%.", "") end
    parts[i] = with_key(key, e.text)
  end
  return table.concat(parts, "; ")
end

local function line_of(path, e)
  local place = path .. (e.line and ":" .. e.line or "")
  return ("%s: %s"):format(place, with_key(e.key, (e.text:gsub("%c", " "))))
end

local function count_from(errors, first)
  local count = 0
  for i = first, #errors do count = count + (errors[i].count or 1) end
  return count
end

-- One line per error: "FILE: services[2].health.interval: what is wrong (expected what)".
---@param path string
---@param errors {key: string, text: string, line: string?}[]
---@param limit integer?  most bytes, LIMIT by default; the last line says how many are left out
---@return string
function load.format(path, errors, limit)
  local lines, bytes = {}, 0
  limit = limit or LIMIT
  for i, e in ipairs(errors) do
    local line = line_of(path, e)
    local rest = ("%s: and %d more errors"):format(path, count_from(errors, i))
    bytes = bytes + #line + 1
    if i > 1 and bytes + (i < #errors and #rest or 0) > limit then
      table.insert(lines, rest)
      break
    end
    table.insert(lines, line)
  end
  return table.concat(lines, "\n")
end

return load
