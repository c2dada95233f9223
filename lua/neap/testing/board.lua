-- The board of one virtual balancer: what abi.c and abi_board.c do with shared memory, here with
-- structs of the same layout. Slots grow as they are published.

local ffi = require "neap.ffi"
local digest = require "neap.testing.digest"
local serve = require "neap.runtime.serve"

local board = {}

local CHUNK = 64
local N = ffi.numbers
local UNKNOWN, UP, DOWN = N.NEAP_STATE_UNKNOWN, N.NEAP_STATE_UP, N.NEAP_STATE_DOWN
local DRAIN, EJECTED = N.NEAP_STATE_DRAIN, N.NEAP_STATE_EJECTED
local ANY = { [UNKNOWN] = true, [UP] = true, [DOWN] = true, [DRAIN] = true, [EJECTED] = true }
local LIVE = { [UNKNOWN] = true, [UP] = true }
local OUT = { [DOWN] = true, [EJECTED] = true }
local CHECKED = { [UNKNOWN] = true, [UP] = true, [DOWN] = true }
local NO_INFLIGHT = ffi.new("uint32_t[?]", CHUNK)

local function text_of(text, n) return type(text) == "string" and text or ffi.string(text, n) end

-- Rows are made in chunks. `own(slot)` is the row for one who changes it: until then other boards
-- may show the same one (see image.lua).
local function add_rows(self)
  local rows, chunks, taken = self.rows, {}, 0

  function self.new_row()
    if taken % CHUNK == 0 then table.insert(chunks, ffi.new("neap_slot[?]", CHUNK)) end
    taken = taken + 1
    return chunks[#chunks] + (taken - 1) % CHUNK
  end

  function self.own(slot)
    local row = rawget(rows, slot)
    if row then return row end
    row = self.new_row()
    row[0] = rows[slot][0]
    rows[slot] = row
    self.on_own(slot, row)
    return row
  end
end

-- The counts of requests under way, in one array that grows.
local function make_cells(self)
  local cells = { n = 0, inflight = NO_INFLIGHT, capacity = 0 }

  local function grow(needed)
    local capacity = math.max(cells.capacity * 2, CHUNK, needed)
    local more = ffi.new("uint32_t[?]", capacity)
    if cells.capacity > 0 then ffi.copy(more, cells.inflight, cells.capacity * 4) end
    cells.inflight, cells.capacity = more, capacity
  end

  function self.new_slot()
    local slot, row = cells.n, self.new_row()
    if slot >= cells.capacity then grow(slot + 1) end
    row.epoch, row.pool = 1, -1
    self.rows[slot], self.since[slot], self.errors[slot] = row, self.world.now(), 0
    cells.n = slot + 1
    return slot
  end

  function self.slots_n() return cells.n end
  function self.reserve(n)
    grow(n)
    cells.n = n
  end

  -- What requests and the kit count.
  function self.inflight(slot) return cells.inflight[slot] end
  function self.set_inflight(slot, n) cells.inflight[slot] = n end
  function self.add_inflight(slot, by) cells.inflight[slot] = cells.inflight[slot] + by end
  function self.changed(slot) self.bump(self.rows[slot].pool) end
  function self.name(slot) return self.texts[slot] and ffi.string(self.texts[slot]) end

  -- A moving average with weight 1/8 for the new value.
  function self.add_latency(slot, seconds)
    local row, us = self.own(slot), math.floor(seconds * 1e6)
    local old = row.latency_us
    local average = old == 0 and us or old + math.modf((us - old) / 8)
    row.latency_us = average < 1 and 1 or average
  end

  return cells
end

local function add_slots(C, self, cells)
  local rows = self.rows
  function C.neap_slot_at(slot) return rows[slot] end
  function C.neap_slot_inflight(slot) return cells.inflight[slot] end
  function C.neap_slot_since(slot) return self.since[slot] end
  function C.neap_slot_errors(slot) return self.errors[slot] end

  function C.neap_slot_text(slot, epoch, to)
    local row, text = rows[slot], self.texts[slot]
    if not text or row.epoch ~= epoch then return 0 end
    ffi.copy(to, text, #text)
    return 1
  end
end

-- Logs what a hook did to a backend.
local function say(self, slot, to, seconds, reason)
  local world = self.world
  local url = ffi.string(ffi.cast("const neap_member *", self.texts[slot]).url)
  if to == DOWN then
    world.say("warn", ("%s%s%s is dead."):format(reason, reason ~= "" and ": " or "", url))
  elseif to == EJECTED then
    world.say("warn", ("%s is ejected for %g s: %s"):format(url, seconds, reason))
  else
    world.say("info", url .. (to == UP and " is up, a policy says" or " drains, a policy says"))
  end
end

-- Changes of state, as src/shm/board_state.c makes them.
local function add_states(C, self)
  local rows, world = self.rows, self.world

  function self.bump(pool) self.pools[pool].version[0] = self.pools[pool].version[0] + 1 end

  local function change(slot, from, to, reason)
    local row = rows[slot]
    local old = row.state
    if old == to or not from[old] then return 0 end
    row = self.own(slot)
    row.state = to
    if to ~= DOWN then row.marked_by_request = 0 end
    if OUT[old] and LIVE[to] then
      row.back_since_ms = world.now() * 1000
      self.trust(slot)
    end
    self.since[slot], self.reasons[slot] = world.now(), reason
    self.bump(row.pool)
    return 1
  end

  function C.neap_board_mark_down(_, slot, why, n)
    if change(slot, LIVE, DOWN, text_of(why, n)) == 0 then return 0 end
    rows[slot].marked_by_request = 1
    return 1
  end

  local function change_by_hook(slot, to, reason)
    if to == DOWN then return C.neap_board_mark_down(nil, slot, reason, #reason) end
    return change(slot, ANY, to, reason)
  end

  function C.neap_slot_set_state(slot, epoch, to, seconds, why, n)
    local row, reason = rows[slot], text_of(why, n)
    if not row or row.epoch ~= epoch or to > EJECTED then return 0 end
    if to == EJECTED then
      self.own(slot).ejected_until_ms = (world.now() + math.min(seconds, 1e9)) * 1000
    end
    if change_by_hook(slot, to, reason) == 0 then return 0 end
    say(self, slot, to, seconds, reason)
    world.on_change(slot)
    return 1
  end

  function C.neap_board_set_state(_, slot, to, why, n)
    return change(slot, ANY, to, text_of(why, n))
  end

  function C.neap_board_checked(_, slot, is_up, why, n)
    return change(slot, CHECKED, is_up == 1 and UP or DOWN, text_of(why, n))
  end
end

-- As src/shm/board_suspect.c; world.on_suspect decides what follows.
local function add_suspicion(C, self)
  local suspicion, world = {}, self.world -- slot → failures in a row

  local function says_nothing(slot)
    local failure, request = world.current.failure, world.current.request
    return failure ~= nil and request ~= nil and request.slot == slot
      and (failure.ours == 1 or failure.kept == 1)
  end

  function C.neap_slot_set_weight(slot, epoch, weight)
    local row = self.rows[slot]
    if not row or row.epoch ~= epoch or row.weight == weight then return 0 end
    self.own(slot).weight = weight
    self.changed(slot)
    return 1
  end

  function C.neap_slot_suspect(slot, epoch, why, n)
    local row = self.rows[slot]
    if not row or row.epoch ~= epoch or says_nothing(slot) then return 0 end
    suspicion[slot] = self.suspicion(slot) + 1
    world.on_suspect(slot, text_of(why, n))
    return 1
  end

  function self.suspicion(slot) return suspicion[slot] or 0 end
  function self.trust(slot) suspicion[slot] = nil end -- a good answer
end

local function add_pools(C, self)
  local pools = self.pools

  function C.neap_pool_find(name, n)
    local wanted = text_of(name, n)
    for i = 0, #pools do
      if pools[i] and pools[i].name == wanted then return i end
    end
    return -1
  end

  function C.neap_pool_version(pool) return pools[pool] and pools[pool].version end

  function C.neap_pool_members(pool, to, max)
    local members = pools[pool] and pools[pool].members or {}
    for i = 1, math.min(#members, max) do to[i - 1] = members[i] end
    return #members
  end
end

-- The tier in use: the lowest that has a backend up, or else the lowest of all; then how many of
-- its backends are up, and how many it has.
local function share_of(rows, members)
  local lowest, used = math.huge, math.huge
  for _, slot in ipairs(members) do
    local row = rows[slot]
    if serve.may(row, true, row.tier) then
      lowest = math.min(lowest, row.tier)
      if serve.is_live(row) then used = math.min(used, row.tier) end
    end
  end
  local tier, up, of = used < math.huge and used or lowest, 0, 0
  for _, slot in ipairs(members) do
    local row = rows[slot]
    if row.tier == tier and serve.may(row, true, tier) then
      of = of + 1
      if serve.is_live(row) then up = up + 1 end
    end
  end
  return tier, up, of
end

-- As src/script/abi_scan.c.
local function add_scan(C, self)
  local rows, pools = self.rows, self.pools

  local function read_rows(to, members)
    to.has_slots, to.n = 0, #members
    for i, slot in ipairs(members) do
      local row = rows[slot]
      to.slots[i - 1], to.epochs[i - 1], to.texts[i - 1] = slot, row.epoch, row.text_version
      if row.slots ~= 0 then to.has_slots = 1 end
    end
  end

  function C.neap_pool_scan(pool, panic, to)
    local members = pools[pool] and pools[pool].members or {}
    local tier, up, of = share_of(rows, members)
    read_rows(to, members)
    to.print_low, to.live = pools[pool] and pools[pool].prints or 0, 0
    to.panics = up < panic * of and 1 or 0
    to.tier = tier < math.huge and tier or 0
    for i, slot in ipairs(members) do
      local row = rows[slot]
      if row.tier == tier and serve.may(row, to.panics == 1, tier) then
        to.serving[to.live] = i - 1
        to.live = to.live + 1
      end
    end
  end

  function C.neap_pool_find_name(pool, name, n)
    return pools[pool].slots[text_of(name, n)] or -1
  end

  function C.neap_pool_ids(slots, n, ids)
    for i = 0, n - 1 do ids[i] = self.id(slots[i]) end
  end

  function self.id(slot) return digest.hash(self.name(slot), 0) end
end

-- The backends left for a request, as src/script/abi_scan.c finds them.
local function add_left(C, self)
  local rows, pools = self.rows, self.pools
  local LAST = ffi.sizeof(ffi.typeof "neap_left") / 4 - 4 -- of its slots, after four words

  local function put_left(slot, to)
    local row = rows[slot]
    if row.slots ~= 0 and C.neap_slot_inflight(slot) >= row.slots then
      to.full = to.full + 1
      to.slots[LAST - to.full] = slot
      return
    end
    to.slots[to.n] = slot
    to.n = to.n + 1
    to.lowest, to.highest = math.min(to.lowest, row.tier), math.max(to.highest, row.tier)
  end

  function C.neap_pool_left(pool, panics, tier, tried, tried_n, to)
    local is_tried = {}
    for i = 0, tried_n - 1 do is_tried[tried[i]] = true end
    to.n, to.full, to.lowest, to.highest = 0, 0, 2 ^ 31 - 1, -2 ^ 31
    for _, slot in ipairs(pools[pool] and pools[pool].members or {}) do
      local may = serve.may(rows[slot], panics == 1, tier)
      if may and not is_tried[slot] then put_left(slot, to) end
    end
  end
end

-- The choices that C makes for pool:least_loaded and pool:hash.
local function add_choices(C, cells)
  function C.neap_pool_least_loaded(slots, weights, n, more, at)
    local inflight = cells.inflight
    local best, best_load, best_weight = at, inflight[slots[at]] + more, weights[at]
    for _ = 2, n do
      if best_load == 0 then break end
      at = at + 1
      if at == n then at = 0 end
      local load = inflight[slots[at]] + more
      if load * best_weight < best_load * weights[at] then
        best, best_load, best_weight = at, load, weights[at]
      end
    end
    return best
  end

  function C.neap_pool_hash(weights, ids, n, key, key_n)
    local hashed, best, best_bits, best_weight = digest.hash(text_of(key, key_n), 0), 0, -1, 0
    for i = 0, n - 1 do
      local weight, bits = weights[i], digest.pair(hashed, ids[i])
      local is_better
      if weight == best_weight or best_weight == 0 then
        is_better = best_weight == 0 or bits > best_bits
      else
        is_better = digest.score(bits, weight) > digest.score(best_bits, best_weight)
      end
      if is_better then best, best_bits, best_weight = i, bits, weight end
    end
    return best
  end
end

local function note_name(pool, name, slot)
  if pool.is_shared then -- with other boards (see image.lua)
    local own = {}
    for key, value in pairs(pool.slots) do own[key] = value end
    pool.slots, pool.is_shared = own, false
  end
  pool.slots[name] = slot
end

-- The agent's part.
local function add_publishing(C, self)
  local pools = self.pools

  function C.neap_board_pool(_, name, n)
    local found = C.neap_pool_find(name, n)
    if found >= 0 then return found end
    local index = pools[0] and #pools + 1 or 0
    pools[index] = {
      name = text_of(name, n), members = {}, slots = {}, prints = 0,
      version = ffi.new "uint32_t[1]",
    }
    return index
  end

  function C.neap_board_find(_, pool, name, n)
    return pools[pool].slots[text_of(name, n)] or -1
  end

  function C.neap_board_publish(_, pool, member)
    local name = ffi.string(member.name)
    local slot = pools[pool].slots[name] or self.new_slot()
    note_name(pools[pool], name, slot)
    local row = self.own(slot)
    self.texts[slot] = ffi.string(member, ffi.sizeof "neap_member")
    row.text_version = row.text_version + 1
    if row.pool < 0 and #pools[pool].members > 0 then
      row.back_since_ms = self.world.now() * 1000
    end
    row.pool, row.weight, row.slots, row.tier = pool, member.weight, member.slots, member.tier
    pools[pool].prints = pools[pool].prints + 1
    self.bump(pool)
    return slot
  end

  function C.neap_board_set_members(_, pool, slots, n)
    local members = {}
    for i = 1, n do members[i] = slots[i - 1] end
    self.set_members(pool, members)
  end

  function self.set_members(pool, members)
    pools[pool].members, pools[pool].prints = members, pools[pool].prints + 1
    self.bump(pool)
  end

  function C.neap_addr_of_ip() return 0 end -- names and addresses are nothing here
end

---@param world table  now() → seconds; say(level, text); on_change(slot);
---  on_suspect(slot, reason)
---@return table C, table board  the functions by name; what the kit reads and changes
function board.new(world)
  local C = {}
  local self = {
    world = world, rows = {}, texts = {}, since = {}, errors = {}, reasons = {}, pools = {},
    on_own = function() end,
    states = { unknown = UNKNOWN, up = UP, down = DOWN, drain = DRAIN, ejected = EJECTED },
  }
  add_rows(self)
  local cells = make_cells(self)
  add_slots(C, self, cells)
  add_states(C, self)
  add_suspicion(C, self)
  add_pools(C, self)
  add_scan(C, self)
  add_left(C, self)
  add_choices(C, cells)
  add_publishing(C, self)
  return C, self
end

return board
