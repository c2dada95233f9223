-- Says when a pool's panic begins and ends: fewer than the share `panic` of its backends are up,
-- and all are used, dead ones too. Workers see it for themselves, by the same count
-- (runtime/pools.lua); here it is only written to the log and, for metrics, to the board.

local panic = {}

local function say(agent, pool, up, of)
  if pool.is_panicking then
    agent.host.log.error("pool %s panics: %d of %d backends are up, all are used (panic = %g)",
      pool.name, up, of, pool.panic)
  else
    agent.host.log.info("pool %s no longer panics: %d of %d backends are up", pool.name, up, of)
  end
end

local function look(agent, pool)
  local up, of = agent.board.share(pool.index)
  local is_panicking = up < pool.panic * of
  if is_panicking == (pool.is_panicking or false) then return end
  pool.is_panicking = is_panicking
  agent.board.set_panics(pool.index, is_panicking)
  say(agent, pool, up, of)
end

-- To be called with every tick, after all changes of states were taken in.
function panic.look(agent)
  for _, pool in ipairs(agent.pools) do
    if pool.panic > 0 and pool.panic_seen ~= pool.version then
      pool.panic_seen = pool.version
      look(agent, pool)
    end
  end
end

return panic
