-- Future events by time: a binary heap in three arrays, so that an event costs no garbage. Events
-- of the same time come in the order in which they were added.

local heap = {}

local Heap = {}
Heap.__index = Heap

---@return table
function heap.new()
  return setmetatable({ n = 0, added = 0, times = {}, orders = {}, values = {} }, Heap)
end

---@param time number
---@param value number
function Heap:push(time, value)
  local times, orders, values = self.times, self.orders, self.values
  local at, order = self.n + 1, self.added + 1
  self.n, self.added = at, order
  while at > 1 do
    local parent = (at - at % 2) / 2
    if times[parent] <= time then break end
    times[at], orders[at], values[at] = times[parent], orders[parent], values[parent]
    at = parent
  end
  times[at], orders[at], values[at] = time, order, value
end

---@return number  -- when the next one is; infinite: there is none
function Heap:next_time()
  if self.n == 0 then return math.huge end
  return self.times[1]
end

-- Takes the first one out. There must be one.
---@return number value
function Heap:pop()
  local times, orders, values = self.times, self.orders, self.values
  local first, n = values[1], self.n
  local time, order, value = times[n], orders[n], values[n]
  self.n = n - 1
  n = n - 1
  local at = 1
  while true do
    local child = at * 2
    if child > n then break end
    local other = child + 1
    if other <= n and (times[other] < times[child]
      or (times[other] == times[child] and orders[other] < orders[child])) then
      child = other
    end
    if times[child] > time or (times[child] == time and orders[child] > order) then break end
    times[at], orders[at], values[at] = times[child], orders[child], values[child]
    at = child
  end
  times[at], orders[at], values[at] = time, order, value
  return first
end

return heap
