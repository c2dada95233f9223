-- Who moves when backends come and go: of the clients (or paths) that were seen both before and
-- after a change of members, those whose backend is another one, beside those that had to move:
-- whose backend has left, or who belong to the share of one that has joined.

local moves = {}

local KEYS_MAX = 2 ^ 20 -- that are remembered
local KINDS = { "client", "path" }
local STRAYS_MAX = 0.5 -- a policy that sends more of them here and there keeps no such keys

local Moves = {}
Moves.__index = Moves

local function new_kind()
  return { backend = {}, period = {}, n = 0, repeats = 0, strays = 0, seen = 0, moved = 0, due = 0 }
end

---@param weights number[]  of the backends
function moves.new(weights)
  local self = setmetatable({ weights = weights, total = 0, is_in = {}, period = 1,
    is_measured = false, changed_at = -1, left = {}, joined = 0, kinds = {} }, Moves)
  for b, weight in ipairs(weights) do
    self.is_in[b], self.total = true, self.total + weight
  end
  for i = 1, #KINDS do self.kinds[i] = new_kind() end
  return self
end

local function begin_period(self, now)
  if now == self.changed_at then return end -- what happens at one time is one change
  self.changed_at, self.period = now, self.period + 1
  self.left, self.joined, self.is_measured = {}, 0, true
end

---@param now number
---@param b number  the backend that has left: no new requests for it
function Moves:leaves(now, b)
  begin_period(self, now)
  if not self.is_in[b] then return end
  self.left[b], self.is_in[b], self.total = true, false, self.total - self.weights[b]
end

function Moves:joins(now, b)
  begin_period(self, now)
  if self.is_in[b] then return end
  self.is_in[b], self.total = true, self.total + self.weights[b]
  self.joined = self.joined + self.weights[b]
end

-- A change after which nobody can say who has to move, or when.
function Moves:unclear(now)
  begin_period(self, now)
  self.is_measured = false
end

local function note(self, kind, key, b)
  local period, old = kind.period[key], kind.backend[key]
  if not period then
    if kind.n >= KEYS_MAX then return end
    kind.n = kind.n + 1
  elseif period == self.period then
    kind.repeats = kind.repeats + 1
    if old ~= b then kind.strays = kind.strays + 1 end
  elseif period == self.period - 1 and self.is_measured then
    kind.seen = kind.seen + 1
    if old ~= b then kind.moved = kind.moved + 1 end
    kind.due = kind.due + (self.left[old] and 1 or self.joined / self.total)
  end
  kind.backend[key], kind.period[key] = b, self.period
end

-- A request was sent to a backend that took it.
function Moves:sent(record, b)
  note(self, self.kinds[1], record.client_ip, b)
  note(self, self.kinds[2], record.path, b)
end

---@return table?  -- key ("client" or "path", whichever the policy keeps), seen, moved and due
---  (counts); nil: it keeps neither
function Moves:result()
  local best, least = nil, STRAYS_MAX
  for i, kind in ipairs(self.kinds) do
    local share = kind.repeats > 0 and kind.strays / kind.repeats or 1
    if share < least and kind.seen > 0 then best, least = i, share end
  end
  if not best then return nil end
  local kind = self.kinds[best]
  return { key = KINDS[best], seen = kind.seen, moved = kind.moved, due = kind.due }
end

return moves
