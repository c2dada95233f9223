-- The requests that are under way, in parallel arrays by number; numbers are used again, so that a
-- request costs no garbage.

local jobs = {}

-- HELD waits at its balancer, QUEUED at a backend, which serves RUNNING ones. ABANDONED: it is
-- still served, though nobody waits for it any more. GONE: its backend died; it is free once
-- nothing refers to it any more.
jobs.FREE, jobs.HELD, jobs.QUEUED, jobs.RUNNING, jobs.ABANDONED, jobs.GONE = 0, 1, 2, 3, 4, 5

local COLUMNS = {
  "state", "balancer", "backend", "user",
  "arrived", "sent", "demand", "waited", "began", "held_until",
  "next", "later", "sooner", -- in a queue; among those that were sent, by time
  "hedge_at", "twin", "is_rival", -- when it gets a rival; the other of the two (0: none)
}

local Jobs = {}
Jobs.__index = Jobs

---@return table
function jobs.new()
  local self = { n = 0, active = 0, free = {}, free_n = 0, record = {} }
  for _, name in ipairs(COLUMNS) do self[name] = {} end
  return setmetatable(self, Jobs)
end

local function grow(self)
  local j = self.n + 1
  self.n = j
  for _, name in ipairs(COLUMNS) do self[name][j] = 0 end
  self.record[j] = {}
  return j
end

---@return number  -- of a job
function Jobs:take()
  local j
  if self.free_n > 0 then
    j = self.free[self.free_n]
    self.free_n = self.free_n - 1
  else
    j = grow(self)
  end
  self.active = self.active + 1
  self.backend[j], self.waited[j], self.user[j] = 0, 0, 0
  self.hedge_at[j], self.twin[j], self.is_rival[j] = 0, 0, 0
  return j
end

-- Nobody waits for it any more.
function Jobs:release(j)
  self.state[j] = jobs.FREE
  self.active = self.active - 1
  self.free_n = self.free_n + 1
  self.free[self.free_n] = j
end

-- Two jobs exchange their requests.
function Jobs:swap_records(i, j)
  self.record[i], self.record[j] = self.record[j], self.record[i]
end

-- Another number for the request of j, whose old number something still refers to.
function Jobs:move(j)
  local to = self:take()
  self:swap_records(j, to)
  for _, name in ipairs { "balancer", "user", "arrived", "demand", "waited" } do
    self[name][to] = self[name][j]
  end
  return to
end

return jobs
