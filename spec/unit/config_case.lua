-- Loads configurations from texts, without the binary.
--
--   case.load(text, name = "config.lua") → config, or nil and the errors as they are printed
--   case.one(key, literal, more) → as load, of a config with two backends and `key = literal`
--   case.json(text)

local load = require "neap.config.load"

local case = {}

local function run(bytes, chunk_name)
  local chunk, why = loadstring(bytes, chunk_name)
  if not chunk then return nil, why end
  local ok, value = xpcall(chunk, debug.traceback)
  if not ok then return nil, value end
  return value
end

function case.load(text, name)
  name = name or "config.lua"
  local files = { run = run }
  function files.read(path)
    assert(path == name)
    if text then return text end
    return nil, path .. ": cannot be opened: No such file or directory"
  end
  local config, errors = load.load(name, files)
  if config then return config end
  return nil, load.format(name, errors)
end

function case.one(key, literal, more)
  local text = 'return { backends = { "http://127.0.0.1:1" }, %s = %s, %s }'
  return case.load(text:format(key, literal, more or ""))
end

function case.json(text) return case.load(text, "config.json") end

return case
