-- Changing backends at run time: their state and weight, adding and removing them. A request is
-- checked as a whole before any of it is carried out.

local agent = require "neap.agent"
local changes = require "neap.agent.changes"
local cjson = require "cjson.safe"
local config_load = require "neap.config.load"
local counts = require "neap.admin.counts"
local ffi = require "neap.ffi"
local json = require "neap.admin.json"
local members = require "neap.agent.members"
local nearest = require "neap.config.nearest"
local overlay = require "neap.agent.overlay"
local reply = require "neap.admin.reply"
local runtime = require "neap.runtime"
local show = require "neap.config.show"
local status = require "neap.admin.status"
local trim = require "neap.trim"

local C = ffi.C

local backends = {}

local STATES = { auto = true, up = true, down = true, drain = true }
local WEIGHT_MAX = 1000

-- ---- what is there ----

local function missing(what, name, known)
  local near = nearest.find(name, known)
  return reply.error(404, ("there is no %s '%s'%s"):format(what, show.text(name),
    near and ("; did you mean '%s'?"):format(near) or ""))
end

local function find_pool(name)
  local known = {}
  for _, pool in ipairs(agent.current().pools) do
    if pool.name == name then return pool end
    table.insert(known, pool.name)
  end
  return nil, missing("pool", name, known)
end

local function find_member(pool_name, name)
  local pool, why = find_pool(pool_name)
  if not pool then return nil, nil, why end
  local member = pool.by_name[name]
  if member then return pool, member end
  local known = {}
  for i, other in ipairs(pool.members) do known[i] = other.name end
  return nil, nil, missing("backend", name, known)
end

-- ---- tags of what a person can change ----

local function hash(text)
  return ("%08x%08x"):format(C.neap_hash(text, #text, 1), C.neap_hash(text, #text, 2))
end

local function tag_of(member)
  local def = member.def
  local pinned = counts.backend(member.slot).pinned or "auto"
  local epoch = agent.current().board.condition(member.slot).epoch
  return hash(table.concat({ def.name, def.url, def.weight, def.tier, tostring(def.slots),
    tostring(def.zone), pinned, epoch }, "\n"))
end

local function tag_of_pool(pool)
  local tags = {}
  for i, member in ipairs(pool.members) do tags[i] = tag_of(member) end
  return hash(table.concat(tags, "\n"))
end

-- RFC 9110 §13.1.1: weak tags never match.
local function check_tag(q, tag)
  local wanted = q.headers["if-match"]
  if not wanted then return nil end
  for item in wanted:gmatch "[^,]+" do
    item = trim.blanks(item)
    if item == "*" or item == '"' .. tag .. '"' then return nil end
  end
  return reply.error(412, "it was changed since you read it (If-Match); read it again",
    reply.etag(tag))
end

-- ---- reading ----

function backends.list(_, pool_name)
  local pool, why = find_pool(pool_name)
  if not pool then return why end
  local list = json.list()
  for i, member in ipairs(pool.members) do list[i] = json.raw((status.backend(pool, member))) end
  return reply.json(200, { pool = pool.name, backends = list,
    removed = json.list(overlay.removed(pool)) }, reply.etag(tag_of_pool(pool)))
end

local function show_one(code, pool, member, more)
  return reply.json(code, json.raw((status.backend(pool, member))), reply.etag(tag_of(member))
    .. (more or ""))
end

function backends.get(_, pool_name, name)
  local pool, member, why = find_member(pool_name, name)
  if not pool then return why end
  return show_one(200, pool, member)
end

-- ---- bodies ----

local function read_object(q)
  if q.body == "" then return nil, reply.error(400, "the body is missing (expected JSON)") end
  local value, why = cjson.decode(q.body)
  if value == nil then
    return nil, reply.error(400, "the body is not JSON: " .. tostring(why))
  end
  if type(value) ~= "table" or value[1] ~= nil then
    return nil, reply.error(400, "the body is not a JSON object (expected { … })")
  end
  return value
end

local function check_patch(value)
  for key, given in pairs(value) do
    if key == "state" then
      if not STATES[given] then
        return ("state: %s is no state (expected \"auto\", \"up\", \"down\" or \"drain\")")
          :format(show.value(given))
      end
    elseif key == "weight" then
      local is_whole = type(given) == "number" and given % 1 == 0
      if not is_whole or given < 0 or given > WEIGHT_MAX then
        return ("weight: %s is no weight (expected a whole number from 0 to %d)")
          :format(show.value(given), WEIGHT_MAX)
      end
    else
      return ("%s: unknown key (known here: state, weight)"):format(show.text(tostring(key)))
    end
  end
  if next(value) == nil then return "nothing is to be changed (expected state or weight)" end
end

-- ---- changing ----

-- Keeps the lists for the next agent; a change that cannot be kept is not made.
local function keep(pool, before)
  local ok, why = agent.current():keep()
  if ok then return nil end
  pool.overlay = before and cjson.decode(before) or nil
  return reply.error(500, "the change cannot be kept: " .. tostring(why))
end

-- Changes a pool's lists and puts them into force.
local function change_lists(pool, change)
  local before = pool.overlay and cjson.encode(pool.overlay)
  change()
  local why = keep(pool, before)
  if why then return why end
  members.apply(agent.current(), pool)
end

local function finish()
  changes.scan(agent.current())
  status.forget()
end

local REASONS = {
  up = "kept up by the API", down = "taken down by the API", drain = "drained by the API",
}

local function set_state(member, state)
  local current = agent.current()
  if state == "auto" then
    if current.board.pin(member.slot, nil, "left to its checks by the API") then
      current.health:check_soon(member)
    end
  else
    current.board.pin(member.slot, state, REASONS[state])
  end
end

local function describe(pool, member, value)
  local parts = {}
  if value.state then table.insert(parts, "state to " .. value.state) end
  if value.weight then table.insert(parts, "weight to " .. value.weight) end
  return ("sets %s of backend %s of pool %s"):format(table.concat(parts, " and "), member.name,
    pool.name)
end

function backends.patch(q, pool_name, name)
  local pool, member, why = find_member(pool_name, name)
  if not pool then return why end
  local value, bad = read_object(q)
  if not value then return bad end
  local wrong = check_patch(value)
  if wrong then return reply.error(400, wrong) end
  bad = check_tag(q, tag_of(member))
  if bad then return bad end
  if value.weight then
    bad = change_lists(pool, function() overlay.set_weight(pool, name, value.weight) end)
    if bad then return bad end
    member = pool.by_name[name]
  end
  if value.state then set_state(member, value.state) end
  local shared = agent.current().sharing
  if shared then shared:changed(pool, member, value) end
  agent.current():note_change(q, describe(pool, member, value),
    { pool = pool.name, backend = name })
  finish()
  return show_one(200, pool, member)
end

local function read_backend(q, pool)
  local value, bad = read_object(q)
  if not value then return nil, bad end
  for key, given in pairs(value) do
    if given == cjson.null then value[key] = nil end
  end
  local list, errors = config_load.backends({ value }, "backend", pool, runtime.config.services)
  if not list then return nil, reply.error(400, config_load.in_words(errors, "backend")) end
  return list[1]
end

local function escape(name)
  return (name:gsub("[^%w%-._~:]", function(c) return ("%%%02X"):format(c:byte()) end))
end

function backends.add(q, pool_name)
  local pool, why = find_pool(pool_name)
  if not pool then return why end
  local def, bad = read_backend(q, pool)
  if not def then return bad end
  bad = check_tag(q, tag_of_pool(pool))
  if bad then return bad end
  if pool.by_name[def.name] then
    return reply.error(409, ("pool %s has a backend '%s' already"):format(pool.name, def.name))
  end
  bad = change_lists(pool, function() overlay.add(pool, def) end)
  if bad then return bad end
  local member = pool.by_name[def.name]
  if not member then
    overlay.remove(pool, def.name)
    keep(pool)
    return reply.error(507, "there is no room for another backend")
  end
  agent.current():note_change(q, ("adds backend %s to pool %s"):format(def.url, pool.name),
    { pool = pool.name, backend = def.name })
  finish()
  return show_one(201, pool, member, ("Location: /pools/%s/backends/%s\r\n")
    :format(escape(pool.name), escape(def.name)))
end

-- Its requests under way end as usual.
function backends.remove(q, pool_name, name)
  local pool, member, why = find_member(pool_name, name)
  if not pool then return why end
  local bad = check_tag(q, tag_of(member))
  if bad then return bad end
  bad = change_lists(pool, function() overlay.remove(pool, name) end)
  if bad then return bad end
  agent.current().board.pin(member.slot, nil, "removed by the API")
  agent.current():note_change(q, ("removes backend %s from pool %s"):format(name, pool.name),
    { pool = pool.name, backend = name })
  finish()
  return reply.json(200, { removed = name, pool = pool.name })
end

return backends
