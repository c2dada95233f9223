-- From what a registry says to backends by all rules of the config. A member that breaks one is
-- left out and told, and does not stop the others; if most of them do, the list is nonsense.

local cjson = require "cjson.safe"
local config_load = require "neap.config.load"
local show = require "neap.config.show"

local listing = {}

local NONSENSE = 0.5 -- of the members

-- What a registry may say of a member beside what a config says of a backend.
local OWN = { cluster = true, drain = true, revision = true }

local function with_scheme(url, scheme)
  if type(url) ~= "string" or url:find("://", 1, true) or url:find "^unix:" then return url end
  return scheme .. "://" .. url
end

-- As a config would have it. The registry's table may be one that it keeps: it is not changed.
local function as_given(raw, scheme)
  if type(raw) == "string" then return with_scheme(raw, scheme) end
  if type(raw) ~= "table" then return raw end
  local given = {}
  for key, value in next, raw do
    if not OWN[key] and value ~= cjson.null then given[key] = value end
  end
  given.url = with_scheme(given.url, scheme)
  return given
end

local function name_of(raw)
  local word = raw
  if type(raw) == "table" then word = raw.name or raw.url end
  return type(word) == "string" and show.text(word) or show.value(word)
end

local function is_others(raw, settings)
  local cluster = type(raw) == "table" and raw.cluster
  return settings.cluster and cluster and cluster ~= cjson.null and cluster ~= settings.cluster
end

-- { def =, revision =, drain = } or { why = }
local function read(raw, pool, services)
  local settings = pool.discover
  if is_others(raw, settings) then
    return { why = ("it is of the cluster %s (expected %s): another cluster writes to the same "
      .. "place"):format(show.value(raw.cluster), show.value(settings.cluster)) }
  end
  local list, errors = config_load.backends({ as_given(raw, settings.scheme) }, "member", pool,
    services)
  if not list then return { why = config_load.in_words(errors, "member") } end
  local entry = { def = list[1] }
  if type(raw) == "table" then
    entry.drain = raw.drain and raw.drain ~= cjson.null and tostring(raw.drain) or nil
    entry.revision = raw.revision and tostring(raw.revision) or nil
  end
  return entry
end

-- The entry of a member that was there before, if it is the same table or text.
local function entry_of(state, fresh, raw, pool, services)
  if type(raw) ~= "table" and type(raw) ~= "string" then return read(raw, pool, services) end
  fresh[raw] = state.entries[raw] or read(raw, pool, services)
  return fresh[raw]
end

local SAME = { "url", "weight", "tier", "zone", "slots" }

---@return boolean  -- two backends are one, as far as a registry knows
function listing.is_same(a, b)
  for _, key in ipairs(SAME) do
    if a[key] ~= b[key] then return false end
  end
  return true
end

local function leave_out(found, raw, why)
  found.left_out = found.left_out + 1
  found.why = found.why or ("%s: %s"):format(name_of(raw), why)
end

-- Twice the same is once; twice the same name for different things is a lie in one of them.
local function add(found, entry, raw)
  local before = found.by_name[entry.def.name]
  if not before then
    found.by_name[entry.def.name] = entry
    table.insert(found.list, entry.def)
  elseif not listing.is_same(before.def, entry.def) then
    leave_out(found, raw, "another member has its name already: " .. before.def.url)
  end
end

function listing.new() return { entries = {} } end

---@param state table  of listing.new
---@param raws any     what the registry lists
---@param pool table   of the agent
---@param services table[]  of the config
---@return table? found  list, by_name (entries), left_out, why (of the first one)
---@return string? why
function listing.read(state, raws, pool, services)
  if type(raws) ~= "table" then return nil, show.value(raws) .. " is not a list of backends" end
  local most = pool.discover.max_members
  if #raws > most then
    return nil, ("it lists %d members, which are too many (discover.max_members is %d)")
      :format(#raws, most)
  end
  if #raws == 0 and next(raws) ~= nil then
    return nil, "this is not a list of backends (expected [ \"http://host:port\", … ])"
  end
  local found, fresh = { list = {}, by_name = {}, left_out = 0 }, {}
  for _, raw in ipairs(raws) do
    local entry = entry_of(state, fresh, raw, pool, services)
    if entry.def then add(found, entry, raw) else leave_out(found, raw, entry.why) end
  end
  state.entries = fresh
  if found.left_out > #raws * NONSENSE then
    return nil, ("%d of its %d members are not backends: %s"):format(found.left_out, #raws,
      found.why)
  end
  return found
end

return listing
