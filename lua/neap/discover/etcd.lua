-- Backends from etcd: each key that begins with `prefix` is a member. Its value is an address, a
-- URL, or JSON as in `backends`. All keys are read once, and from that revision on a watch tells of
-- each change. After 30 s the watch is made anew, and the number of keys is compared: so nothing
-- that was missed lasts.

local etcd = require "neap.io.etcd"
local neap = require "neap"
local sorted = require "neap.sorted"
local trim = require "neap.trim"

local WATCH_SECONDS = 30
local PAUSE = 0.1 -- seconds until it is asked again: it may forget, or end watches, all the time
local FAILURES_MAX = 3 -- in a row: then etcd counts as away

-- gRPC's name for what neap calls url.
local function member_of(pair)
  local text = trim.blanks(pair.value)
  local value = text:find '^["{]' and neap.json.decode(text)
  if type(value) == "string" then text = value end
  if type(value) ~= "table" then return { url = text, revision = pair.mod_revision } end
  if value.Addr and not value.url then return { url = value.Addr, revision = pair.mod_revision } end
  value.revision = pair.mod_revision
  return value
end

local function read_all(client, settings)
  local found, why = client:range(settings.prefix, { limit = settings.max_members + 1 })
  if not found then return nil, why end
  if found.is_cut then
    return nil, ("there are %d keys that begin with %s, which are too many (discover.max_members "
      .. "is %d)"):format(found.count, settings.prefix, settings.max_members)
  end
  local state = { members = {}, count = #found.pairs, revision = found.revision }
  for _, pair in ipairs(found.pairs) do state.members[pair.key] = member_of(pair) end
  return state
end

local function sorted_members(state)
  local list = {}
  for i, key in ipairs(sorted.keys(state.members)) do list[i] = state.members[key] end
  return list
end

local function change(state, event)
  local before = state.members[event.key]
  state.members[event.key] = not event.is_deleted and member_of(event) or nil
  state.count = state.count + (event.is_deleted and 0 or 1) - (before and 1 or 0)
end

local function hand_over(registry, state)
  registry:list(function() return sorted_members(state) end, ("%d"):format(state.revision))
end

-- Is it what etcd has? An etcd that was set back to a backup goes on with revisions that were there
-- before.
local function is_right(client, settings, state)
  local found, why = client:range(settings.prefix, { count_only = true })
  if not found then return nil, why end
  return found.revision >= state.revision and
    (found.count == state.count or found.revision > state.revision)
end

local function follow(client, settings, registry, state)
  return client:watch(settings.prefix, state.revision + 1, WATCH_SECONDS, function(events, revision)
    for _, event in ipairs(events) do change(state, event) end
    if #events == 0 then
      registry:same()
      return revision >= state.revision -- else it is behind: perhaps it has lost its memory
    end
    state.revision, state.failures = math.max(state.revision, revision), 0
    hand_over(registry, state)
    return state.count <= settings.max_members
  end)
end

-- Until all must be read again (true), or etcd is away: nil and why.
local function follow_on(client, settings, registry, state)
  state.failures = 0
  while true do
    local is_over, why, is_compacted = follow(client, settings, registry, state)
    if is_compacted or state.count > settings.max_members then return true end
    local is_same, reason = is_right(client, settings, state) -- of an endpoint that answers
    if is_same == nil then return nil, reason end
    if not is_same then return true end
    state.failures = is_over and 0 or state.failures + 1
    if state.failures >= FAILURES_MAX then return nil, why end
    if not is_over then neap.sleep(PAUSE) end
  end
end

return function(settings, registry)
  local client = registry.memory.client or etcd.new(settings)
  registry.memory.client = client
  while true do
    local state, why = read_all(client, settings)
    if not state then return nil, why end
    hand_over(registry, state)
    local ok
    ok, why = follow_on(client, settings, registry, state)
    if not ok then return nil, why end
    neap.sleep(PAUSE)
  end
end
