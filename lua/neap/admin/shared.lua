-- One entry of a shared store: an operator's parameter at run time, or a look at what a policy has
-- there. What policies keep may be secret, so that reading needs the token, too.

local agent = require "neap.agent"
local cjson = require "cjson.safe"
local nearest = require "neap.config.nearest"
local reply = require "neap.admin.reply"
local runtime = require "neap.runtime"
local show = require "neap.config.show"
local stores = require "neap.runtime.shared"

local shared = {}

local PLAIN = { string = true, number = true, boolean = true }

local function find(name)
  if stores.number(name) then return stores.by_name(name) end
  local known = {}
  for i, store in ipairs(runtime.config.shared) do known[i] = store.name end
  local near = nearest.find(name, known)
  return nil, reply.error(404, ("there is no shared store '%s'%s"):format(show.text(name),
    near and ("; did you mean '%s'?"):format(near) or ""))
end

local function absent(name, key)
  return reply.error(404, ("the shared store '%s' has no value under '%s'"):format(show.text(name),
    show.text(key)))
end

local function answer(name, store, key)
  local value, why = store:get(key)
  if why then return reply.error(400, why) end
  if value == nil then return absent(name, key) end
  return reply.json(200, { store = name, key = key, value = value, ttl = store:ttl(key) or 0 })
end

function shared.get(_, name, key)
  local store, why = find(name)
  return why or answer(name, store, key)
end

local function read(q)
  local given, why = cjson.decode(q.body)
  if type(given) ~= "table" then
    return nil, "the body is not a JSON object (expected {\"value\": …, \"ttl\": seconds}): "
      .. tostring(why or show.value(given))
  end
  for name in pairs(given) do
    if name ~= "value" and name ~= "ttl" then
      return nil, ("%s: unknown key (known here: value, ttl)"):format(show.text(tostring(name)))
    end
  end
  if not PLAIN[type(given.value)] then
    return nil, "value: it is missing (expected a string, a number or a boolean)"
  end
  return given
end

local function note(q, what, name, key)
  agent.current():note_change(q, ("%s '%s' of shared store %s"):format(what, show.text(key), name))
end

function shared.put(q, name, key)
  local store, missing = find(name)
  if not store then return missing end
  local given, wrong = read(q)
  if not given then return reply.error(400, wrong) end
  local ok, why = store:set(key, given.value, given.ttl)
  if not ok then return reply.error(400, why) end
  note(q, "sets", name, key)
  return answer(name, store, key)
end

function shared.remove(q, name, key)
  local store, missing = find(name)
  if not store then return missing end
  if not store:delete(key) then return absent(name, key) end
  note(q, "deletes", name, key)
  return reply.json(200, { store = name, deleted = key })
end

return shared
