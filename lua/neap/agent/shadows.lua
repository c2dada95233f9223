-- Writes to the log, now and then and at the end, what the shadows of pools would have done.

local shadows = {}

local EVERY = 60 -- seconds

local function share(n, of) return of > 0 and ("%.1f %%"):format(n / of * 100) or "-" end

local function line_of(pool, c)
  return ("pool %s: its shadow was asked about %d requests and agreed about %d (%s), chose another "
    .. "backend for %d and none for %d; %d errors; %.1f us a request")
    :format(pool.name, c.asked, c.agreed, share(c.agreed, c.asked), c.differed, c.none, c.errors,
      c.asked > 0 and c.seconds / c.asked * 1e6 or 0)
end

-- is_last: also when there is nothing new to complain of.
local function say(self, is_last)
  for _, pool in ipairs(self.pools) do
    if pool.shadow then
      local c = require("neap.admin.counts").shadow(pool.index)
      local worse = c.asked - c.agreed > (pool.shadow_said or 0)
      pool.shadow_said = c.asked - c.agreed
      if worse or (is_last and c.asked > 0) then self.host.log.info("%s", line_of(pool, c)) end
    end
  end
end

-- To be called in each tick.
function shadows.look(self, now)
  self.shadows_due = self.shadows_due or now + EVERY
  if now < self.shadows_due then return end
  self.shadows_due = now + EVERY
  say(self, false)
end

function shadows.finish(self) say(self, true) end

return shadows
