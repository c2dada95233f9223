-- Against members that come and go all the time: one that left its registry's list often lately is
-- held out until it has been quiet. Each time that it leaves counts one, which fades with a half
-- life of 30 s.

local damping = {}

local HALF_LIFE = 30
local FORGOTTEN = 0.25 -- what is left then is not worth remembering
local REMEMBERED_MAX = 20000
local HELD_SHARE = 0.5 -- more of a list than this is never held out: better a bad one than none

function damping.new() return { records = {}, count = 0, present = {} } end

local function faded(record, now)
  return record.score * 0.5 ^ ((now - record.at) / HALF_LIFE)
end

local function forget_old(state, now)
  for name, record in pairs(state.records) do
    if faded(record, now) < FORGOTTEN then
      state.records[name], state.count = nil, state.count - 1
    end
  end
end

local function note_left(state, name, now, most)
  local record = state.records[name]
  if not record then
    if state.count >= REMEMBERED_MAX then return end
    record = { score = 0, at = now }
    state.records[name], state.count = record, state.count + 1
  end
  record.score, record.at = math.min(faded(record, now) + 1, 2 * most), now
end

-- From when it is quiet enough: half of what holds it.
local function is_held(record, now, most)
  local score = faded(record, now)
  record.is_held = score > most - 0.5 or -- each has faded a little already
    (record.is_held and score > most / 2) or false
  return record.is_held
end

local function split(state, list, now, most)
  local kept, held = {}, {}
  for _, def in ipairs(list) do
    local record = state.records[def.name]
    table.insert(record and is_held(record, now, most) and held or kept, def)
  end
  return kept, held
end

-- The list without those that are held out, and those.
---@param state table   of damping.new
---@param list table[]  all that the registry lists now
---@param now number
---@param most number|false  so often a member may leave; false: as often as it likes
---@return table[] kept, table[] held
function damping.apply(state, list, now, most)
  if not most then return list, {} end
  local present = {}
  for _, def in ipairs(list) do present[def.name] = true end
  for name in pairs(state.present) do
    if not present[name] then note_left(state, name, now, most) end
  end
  state.present = present
  if state.count == 0 then return list, {} end
  local kept, held = split(state, list, now, most)
  if now >= (state.look_at or 0) then
    state.look_at = now + HALF_LIFE
    forget_old(state, now)
  end
  if #held > #list * HELD_SHARE then return list, {} end
  return kept, held
end

return damping
