-- Many balancers with the same backends: what their boards have in common is there once. An image
-- is taken of the first one's board; the others show its rows, texts and pools until they change
-- something, and then have that for themselves. (The simulator runs a thousand balancers over ten
-- thousand backends.)

local ffi = require "neap.ffi"

local image = {}

local function copied(from)
  local to = {}
  for key, value in pairs(from) do to[key] = value end
  return to
end

-- Names to slots are shared until a backend is published.
local function pools_of(board)
  local pools = {}
  for i, pool in pairs(board.pools) do
    pools[i] = copied(pool)
    pools[i].version = pool.version[0]
  end
  return pools
end

---@param board table  on which the backends were just published
---@return table
function image.take(board)
  local n = board.slots_n()
  local made = { n = n, rows = ffi.new("neap_slot[?]", n), texts = {}, since = {}, ids = {},
    scans = {}, pools = pools_of(board) }
  for slot = 0, n - 1 do
    made.rows[slot] = board.rows[slot][0]
    made.texts[slot], made.since[slot] = board.texts[slot], board.since[slot]
  end
  return made
end

local function behind(list, fn) setmetatable(list, { __index = fn }) end

-- A pool's scan is that of all others that have the same list of members and changed nothing else.
local function share_scans(C, board, made)
  local scan, set_members = C.neap_pool_scan, board.set_members

  function board.set_members(number, members)
    local pool = board.pools[number]
    local is_same = pool.version[0] == pool.shown
    set_members(number, members)
    if is_same then pool.shown = pool.version[0] end
  end

  function C.neap_pool_scan(number, panic, to)
    local pool = board.pools[number]
    local is_same = pool.version[0] == pool.shown
    local known = is_same and made.scans[pool.members]
    if known and known.panic == panic then
      ffi.copy(to, known.scan, ffi.sizeof "neap_scan")
      to.print_low = pool.prints
      return
    end
    scan(number, panic, to)
    if is_same then
      made.scans[pool.members] = { panic = panic, scan = ffi.new("neap_scan", to) }
    end
  end
end

local function share_ids(board, made)
  local id = board.id
  function board.id(slot)
    if rawget(board.texts, slot) then return id(slot) end
    local known = made.ids[slot]
    if not known then
      known = id(slot)
      made.ids[slot] = known
    end
    return known
  end
end

-- Makes an empty board show it.
---@param C table  its functions
---@param board table
---@param made table
function image.show(C, board, made)
  board.reserve(made.n)
  behind(board.rows, function(_, slot)
    return slot >= 0 and slot < made.n and made.rows + slot or nil
  end)
  behind(board.texts, made.texts)
  behind(board.since, made.since)
  behind(board.errors, function(_, slot) return slot < made.n and 0 or nil end)
  for i, pool in pairs(made.pools) do
    local own = copied(pool)
    own.version, own.shown = ffi.new("uint32_t[1]", pool.version), pool.version
    own.is_shared = true
    board.pools[i] = own
  end
  share_scans(C, board, made)
  share_ids(board, made)
end

return image
