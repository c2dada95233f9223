-- What `--policy` names: a file, or a shipped policy, with options after it if need be ("hash
-- key=ip maglev=true").

local native = require "neap.native"
local show = require "neap.config.show"

local policies = {}

local function read_file(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local bytes = file:read "*a"
  file:close()
  if not bytes then return nil, path .. ": is not a file" end
  return bytes
end

local function literal(text)
  if text == "true" or text == "false" or tonumber(text) then return text end
  return ("%q"):format(text)
end

-- "key=ip maglev=true" as the options of a policy.
local function options_of(words)
  local parts = {}
  for word in words:gmatch "%S+" do
    local key, value = word:match "^([%a_][%w_]*)=(.+)$"
    if not key then return nil, ("'%s' is not OPTION=VALUE"):format(show.text(word)) end
    table.insert(parts, ("[%q] = %s"):format(key, literal(value)))
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function is_path(name) return name:find "/" or name:find "%.lua$" end

-- A file that makes the policy with its options. The part that is added stands on its first line,
-- so that the lines of errors are those of the user's file.
local function with_options(name, options)
  if not is_path(name) then
    return ("return require(%q) %s"):format("neap.policy." .. name, options)
  end
  local source, why = read_file(name)
  if not source then return nil, why end
  return ("return (function(...) %s\nend)() %s"):format(source, options)
end

---@param text string  as given
---@return table? policy, string? why  -- name, value (as a config has it), read, is_shipped
function policies.parse(text)
  local name, words = text:match "^%s*(%S+)%s*(.*)$"
  if not name then return nil, "the name of a policy, or a file, is expected" end
  local policy = { name = text, value = name, is_shipped = not is_path(name), read = read_file }
  if policy.is_shipped and not native.embedded("neap.policy." .. name) then
    local _, why = require("neap.sim.balancer").shipped(name)
    return nil, why
  end
  if words == "" then return policy end
  local options, why = options_of(words)
  if not options then return nil, ("'%s': %s"):format(show.text(text), why) end
  local source
  source, why = with_options(name, options)
  if not source then return nil, why end
  policy.value = is_path(name) and name or name .. ".lua"
  policy.read = function(path)
    if path == policy.value then return source end
    return read_file(path)
  end
  return policy
end

return policies
