-- Hedges of one simulated balancer: how many its pool's share still allows, in a window that slides
-- as neap's does.

local floor, max = math.floor, math.max
local STEPS, STEP = 10, 1 -- steps of so many seconds

local hedges = {}

local Hedges = {}
Hedges.__index = Hedges

local function new_window()
  local window = { stamp = {}, count = {} }
  for i = 0, STEPS - 1 do window.stamp[i], window.count[i] = -STEPS, 0 end
  return window
end

---@param share number  of the requests that may be hedged
function hedges.new(share)
  return setmetatable({ share = share, requests = new_window(), sent = new_window() }, Hedges)
end

local function add(window, step)
  local i = step % STEPS
  if window.stamp[i] ~= step then window.stamp[i], window.count[i] = step, 0 end
  window.count[i] = window.count[i] + 1
end

local function sum(window, step)
  local n = 0
  for i = 0, STEPS - 1 do
    if step - window.stamp[i] < STEPS then n = n + window.count[i] end
  end
  return n
end

function Hedges:request(now) add(self.requests, floor(now / STEP)) end

-- May there be one more?
---@return boolean
function Hedges:affords(now)
  local step = floor(now / STEP)
  local most = self.share > 0 and max(1, self.share * sum(self.requests, step)) or 0
  return sum(self.sent, step) + 1 <= most
end

function Hedges:charge(now) add(self.sent, floor(now / STEP)) end

return hedges
