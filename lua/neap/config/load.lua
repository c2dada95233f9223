-- Reads a configuration: a Lua file that returns a table, a JSON file, or the command line's
-- backends. What comes out is checked and complete, or a list of everything that is wrong.

local backends = require "neap.config.backends"
local build = require "neap.config.build"
local json = require "neap.config.json"
local reporter = require "neap.config.report"
local show = require "neap.config.show"
local url = require "neap.config.url"
local utf8 = require "neap.config.utf8"

local load = {}

-- What the bundle calls the command line's backends: the listen address, then one backend a line.
load.arguments_name = "(command line)"

local function fail(text, key)
  return nil, { { key = key or "", text = text } }
end

local function folder_of(path) return path:match "^(.*/)" or "" end

-- Some errors name the file themselves; all are printed behind its name.
local function without_path(text, path)
  if text:sub(1, #path + 1) ~= path .. ":" then return text end
  text = text:sub(#path + 2)
  local line, rest = text:match "^(%d+): (.*)$"
  return rest or (text:gsub("^ ", "")), line
end

-- The message and the first place of the traceback that is not the message's own.
local function first_lines(text)
  local message, trace = text:match "^(.-)\nstack traceback:\n(.*)$"
  if not message then return (text:gsub("%s*\n%s*", " ")) end
  local place = trace:match "^%s*([^\n]*)"
  message = message:gsub("%s*\n%s*", " ")
  return place and place ~= "" and ("%s (%s)"):format(message, place) or message
end

local function run_lua(path, bytes, files)
  local value, why = files.run(bytes, "@" .. path)
  if why ~= nil then
    local text, line = without_path(first_lines(tostring(why)), path)
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

-- One argument → a URL: "8081", "host:8081", or a whole one.
local function url_of_argument(argument)
  if argument:find "^%d+$" then return "http://localhost:" .. argument end
  if argument:find("://", 1, true) or argument:find "^unix:" then return argument end
  return "http://" .. argument
end

local function check_argument(argument)
  local parsed, why = url.parse(url_of_argument(argument))
  if parsed then return parsed.url end
  return nil, ("%s is not a backend: %s (expected a port, host:port or a URL)")
    :format(show.value(argument), why)
end

-- The configuration of `neap 8081 8082 host:8083`.
---@param arguments string[]
---@param listen string?  default ":8080"
---@return table? config
---@return {key: string, text: string}[]? errors  -- printed behind "neap"
function load.from_arguments(arguments, listen)
  local list, report = {}, reporter.new()
  for i, argument in ipairs(arguments) do
    local parsed, why = check_argument(argument)
    if not parsed then report:add("argument " .. i, why) end
    list[i] = parsed
  end
  if not report:is_clean() then return nil, report:close() end
  if listen == "" then listen = nil end
  return load.from_table({ listen = listen, backends = list }, "")
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

local function from_put_arguments(bytes)
  local lines = {}
  for line in (bytes:gsub("\n$", "") .. "\n"):gmatch "([^\n]*)\n" do table.insert(lines, line) end
  local listen = table.remove(lines, 1)
  return load.from_arguments(lines, listen)
end

---@param path string
---@param files table  read(path) → bytes or nil, why; run(bytes, chunk name) → value or nil, why
---@return table? config
---@return {key: string, text: string, line: string?}[]? errors
function load.load(path, files)
  local bytes, why = files.read(path)
  if not bytes then return fail((without_path(tostring(why), path))) end
  if path == load.arguments_name then return from_put_arguments(bytes) end
  local raw, errors = evaluate(path, bytes, files)
  if raw == nil then return nil, errors end
  return load.from_table(raw, folder_of(path))
end

-- A list of backends, as a `discover` hook returns it.
---@param value any
---@param key string  what errors call it
---@return table[]? list
---@return {key: string, text: string}[]? errors
function load.backends(value, key) return backends.list(value, key) end

-- One line an error: "FILE: services[2].health.interval: what is wrong (expected what)".
---@param path string
---@param errors {key: string, text: string, line: string?}[]
---@return string
function load.format(path, errors)
  local lines = {}
  for i, e in ipairs(errors) do
    local place = path .. (e.line and ":" .. e.line or "")
    local key = e.key ~= "" and e.key ~= nil and e.key .. ": " or ""
    lines[i] = ("%s: %s%s"):format(place, key, (e.text:gsub("\n", " ")))
  end
  return table.concat(lines, "\n")
end

return load
