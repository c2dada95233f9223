-- What is due when, and how much of it runs at once.
--
-- Items belong to groups (pools): each group is a heap by due time, so within a group the one that
-- waits longest comes first. A group may start another item only while it runs fewer than there are
-- free places: one group alone gets half of all places, a second one half of the rest, … so that a
-- group whose items all hang never keeps the others waiting.

local timetable = {}
local Timetable = {}
Timetable.__index = Timetable

local function is_before(a, b)
  if a.due ~= b.due then return a.due < b.due end
  return a.turn < b.turn
end

local function put(heap, at, item)
  heap[at] = item
  item.at = at
end

local function sift_up(heap, at)
  local item = heap[at]
  while at > 1 do
    local parent = math.floor(at / 2)
    if not is_before(item, heap[parent]) then break end
    put(heap, at, heap[parent])
    at = parent
  end
  put(heap, at, item)
end

local function sift_down(heap, at)
  local item, size = heap[at], #heap
  while at * 2 <= size do
    local child = at * 2
    if child < size and is_before(heap[child + 1], heap[child]) then child = child + 1 end
    if not is_before(heap[child], item) then break end
    put(heap, at, heap[child])
    at = child
  end
  put(heap, at, item)
end

local function take_out(heap, at)
  local item, last = heap[at], table.remove(heap)
  item.at = nil
  if last == item then return end
  put(heap, at, last)
  sift_down(heap, at)
  sift_up(heap, last.at)
end

---@param places integer  how many items run at once, over all groups
---@return table
function timetable.new(places)
  return setmetatable({ places = places, running = 0, turn = 0, groups = {} }, Timetable)
end

local function group_of(self, key)
  local group = self.groups[key]
  if not group then
    group = { heap = {}, running = 0 }
    self.groups[key] = group
    table.insert(self.groups, group)
  end
  return group
end

-- Makes the item due at that time; one that waits already is moved, one that runs is due again
-- after it has ended.
---@param item table  the timetable's fields: due, turn, at, group, is_running, is_gone, next_due
---@param key any     its group
---@param due number  monotonic seconds
function Timetable:set(item, key, due)
  item.is_gone = false
  if item.is_running then
    item.next_due = due
    return
  end
  local group = group_of(self, key)
  if item.at then take_out(item.group.heap, item.at) end
  self.turn = self.turn + 1
  item.due, item.turn, item.group = due, self.turn, group
  put(group.heap, #group.heap + 1, item)
  sift_up(group.heap, #group.heap)
end

-- Makes the item never due again; one that runs is left to end.
function Timetable.remove(_, item)
  item.is_gone = true
  item.next_due = nil
  if item.at then take_out(item.group.heap, item.at) end
end

local function next_group(self, now)
  local best
  local free = self.places - self.running
  for _, group in ipairs(self.groups) do
    local first = group.heap[1]
    if first and first.due <= now and group.running < free
      and (not best or group.running < best.running) then
      best = group
    end
  end
  return best
end

-- Takes the next item that is due and may run now; it counts as running until `finish`.
---@param now number
---@return table? item
function Timetable:take(now)
  local group = next_group(self, now)
  if not group then return nil end
  local item = group.heap[1]
  take_out(group.heap, 1)
  item.is_running, item.started = true, now
  group.running = group.running + 1
  self.running = self.running + 1
  return item
end

-- The item ran. Returns when it was asked to be due meanwhile, if it was.
---@return number? due
function Timetable:finish(item)
  item.is_running = false
  item.group.running = item.group.running - 1
  self.running = self.running - 1
  local due = item.next_due
  item.next_due = nil
  return due
end

return timetable
