-- The message about an unknown key: where it belongs, or which key was probably meant.

local nearest = require "neap.config.nearest"
local schema = require "neap.config.schema"
local show = require "neap.config.show"

local unknown = {}

local SECTIONS = { "health", "keepalive", "retry", "eject", "timeouts", "limits", "log", "queue",
  "errors", "forwarded" }

local SERVICES = "; it is a service's, not a pool's: write it into %s of the service that "
  .. "uses this pool"

local function has(rows, word)
  for _, row in ipairs(rows) do
    if row[1] == word then return true end
  end
  return false
end

-- Are the keys of this section among these?
local function includes(rows, section)
  for _, row in ipairs(rows) do
    if row == section[1] then return true end
  end
  return false
end

-- A key of the same name that a table around or beside this one has.
local function around(word, rows)
  if rows == schema.pool_timeouts and has(schema.timeouts, word) then
    return SERVICES:format "the timeouts"
  elseif rows == schema.pool_limits and has(schema.limits, word) then
    return SERVICES:format "the limits"
  end
  local is_pool, is_service = includes(rows, schema.pool_own), includes(rows, schema.service)
  if is_pool and has(schema.service, word) then return SERVICES:format "the keys" end
  if (is_pool or is_service) and has(schema.process, word) then
    return "; it stands at the top level of the file"
  end
end

-- The same for a table inside: "interval" → "health.interval".
local function inside(word, rows)
  if rows == schema.backend_health and has(schema.health, word) then
    return "; it stands in the health of the pool: a backend says only where it is checked"
  end
  for _, section in ipairs(SECTIONS) do
    if has(schema[section], word) then return ("; did you mean '%s.%s'?"):format(section, word) end
  end
  if rows ~= schema.backend and word ~= "url" and has(schema.backend, word) then
    return ("; it is a backend's: backends = { { url = …, %s = … } }"):format(word)
  end
end

local function misspelt(word, names)
  local near = nearest.find(word, names)
  return near and ("; did you mean '%s'?"):format(near)
end

---@param rows table[]
---@return string[]
function unknown.names(rows)
  local names = {}
  for i, row in ipairs(rows) do names[i] = row[1] end
  return names
end

---@param rows table[]  what is known there
---@param name any  the key
---@return string
function unknown.text(rows, name)
  if type(name) ~= "string" then
    return ("unexpected item %s (expected only named keys here)"):format(show.value(name))
  end
  local names = unknown.names(rows)
  local hint = around(name, rows) or inside(name, rows) or misspelt(name, names)
  return "unknown key" .. (hint or " (known here: " .. table.concat(names, ", ") .. ")")
end

return unknown
