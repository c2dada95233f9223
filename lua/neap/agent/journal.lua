-- What an agent leaves to the next one, in memory of the master's (src/lua/journal.h): each
-- pool's list of backends with where it comes from, and what a person changed. The next agent of
-- this generation takes both. The first one of the next generation (a reload, an upgrade) takes the
-- lists: a pool that `discover` fills must not be empty until a registry answers.

local json = require "cjson.safe"
local schema = require "neap.config.schema"

local journal = {}

-- def → itself as JSON, before anything is done to it
local texts = setmetatable({}, { __mode = "k" })

-- A backend as a configuration would give it, so that another version can read it by its own rules.
local function as_given(def)
  if texts[def] then return texts[def] end
  local given = {}
  for _, row in ipairs(schema.backend) do given[row[1]] = def[row[1]] end
  texts[def] = json.encode(given) or "null"
  return texts[def]
end

-- Takes note of a pool's own list, before anything is done to it.
---@param pool table
---@param list table[]  backends as the configuration has them, checked
---@param origin string  "file" or "discover"
---@param answered number?  wall clock, seconds: when discover said so
function journal.note(pool, list, origin, answered)
  local given, marks = {}, {}
  for i, def in ipairs(list) do
    given[i] = as_given(def)
    local mark = pool.marks and pool.marks[def.name]
    if mark then marks[i] = { def.name, mark.since, mark.revision } end
  end
  pool.listed = { text = "[" .. table.concat(given, ",") .. "]", origin = origin,
    answered = answered, marks = #marks == #list and marks or nil, revision = pool.revision }
end

-- Since when each backend is listed as it is, and at which revision of its registry.
---@param entry table  of a pool, as read
---@return table<string, { since: number, revision: string? }>
function journal.marks(entry)
  local marks = {}
  for _, mark in ipairs(type(entry.marks) == "table" and entry.marks or {}) do
    if type(mark) == "table" and type(mark[1]) == "string" and type(mark[2]) == "number" then
      local revision = type(mark[3]) == "string" and mark[3] or nil
      marks[mark[1]] = { since = mark[2], revision = revision }
    end
  end
  return marks
end

local function entry_of(pool)
  local listed = pool.listed
  return ('{"list":%s,"origin":"%s","answered":%s,"changed":%s,"marks":%s,"revision":%s}'):format(
    listed.text, listed.origin, json.encode(listed.answered), json.encode(pool.overlay),
    json.encode(listed.marks), json.encode(listed.revision))
end

-- All of it as text.
---@param pools table[]  each noted
---@return string
function journal.text(pools)
  local entries = {}
  for i, pool in ipairs(pools) do
    entries[i] = ("%s:%s"):format(json.encode(pool.name), entry_of(pool))
  end
  return "{" .. table.concat(entries, ",") .. "}"
end

local function without_null(entry)
  for key, value in pairs(entry) do
    if value == json.null then entry[key] = nil end
  end
  return entry
end

-- Pool → { list = {…}, origin =, answered =, changed = }; a pool that cannot be read is absent.
---@param text string?
---@return table<string, table>
function journal.read(text)
  local all = text and json.decode(text)
  if type(all) ~= "table" then return {} end
  for _, entry in pairs(all) do without_null(entry) end
  return all
end

return journal
