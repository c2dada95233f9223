-- The checks of one backend: one record for each that its pool's settings name, or one for its
-- policy's `check`. The backend is up when all of them find it healthy.
--
-- A probe is an item of the agent's jobs with
--   member, settings, check
--   label         names it in lines and reasons, where a pool has several
--   successes, failures   in a row
--   was_well      it was found healthy once; else bad_looks = checks that found it dead
--   verdict       true, false; nil: it has found nothing yet
--   last_ok       what the last check found
--   is_asked      a request found its backend suspect: the next check decides
--   decides       the check that runs, or ran last, does
--   heard, found, is_contradicted   what others found, and what this one tells them (duty.lua)
--   down          while it finds it dead: { looks = checks since then, by_request = boolean }

local health_config = require "neap.config.health"

local probes = {}

local function label_of(settings)
  if settings.type == "http" then return "http " .. settings.path end
  local place = settings.port and ":" .. settings.port or settings.address
  return place and settings.type .. " " .. place or settings.type
end

local function new(member, settings, check)
  return { member = member, settings = settings, check = check, limit = settings.timeout,
    successes = 0, failures = 0 }
end

-- What a pool checks: { settings =, check =, label = } each. A policy's check replaces them all.
---@param host table
---@param health table  config's `health`
---@param has_hook boolean
---@return table[]
function probes.of_pool(host, health, has_hook)
  local list = health_config.list(health)
  if has_hook then return { { settings = list[1], check = host.check_of(list) } } end
  local result = {}
  for i, settings in ipairs(list) do
    local label = list[2] and label_of(settings)
    result[i] = { settings = settings, check = host.check_of { settings }, label = label }
  end
  return result
end

-- The probes of a member that is new here; its state may be older than this agent.
---@param member table
---@param is_marked boolean  a request found it dead
function probes.start(member, is_marked)
  member.probes = {}
  for i, kind in ipairs(member.pool.checks) do
    local probe = new(member, kind.settings, kind.check)
    probe.label = kind.label
    member.probes[i] = probe
  end
  if member.state == "up" then
    for _, probe in ipairs(member.probes) do probe.verdict, probe.was_well = true, true end
  elseif member.state == "down" then
    probes.fail(member, is_marked)
  end
end

-- Something other than a check says that it is dead: each of them has to find it healthy again.
---@param by_request boolean
function probes.fail(member, by_request)
  for _, probe in ipairs(member.probes) do
    probe.verdict, probe.successes, probe.failures = false, 0, probe.settings.fall
    probe.down = { looks = 0, by_request = by_request }
  end
end

-- Another balancer says what it is: as if each check had found so.
---@param probe table
---@param verdict boolean
function probes.hear(probe, verdict)
  probe.last_ok, probe.was_well = verdict, probe.was_well or verdict
  probe.successes = verdict and probe.settings.rise or 0
  probe.failures = verdict and 0 or probe.settings.fall
end

-- Something other than a check says that it is not dead: "up" counts as found by each of them;
-- after "unknown" the first result decides; if it drains or is ejected, its checks go on as before.
function probes.rest(member)
  for _, probe in ipairs(member.probes) do
    probe.down, probe.failures = nil, 0
    if member.state == "up" then probe.verdict = true end
    if member.state == "unknown" then probe.verdict = nil end
  end
end

-- It is another server now.
function probes.forget(member)
  for _, probe in ipairs(member.probes) do
    probe.successes, probe.failures, probe.last_ok = 0, 0, nil
  end
end

---@return boolean  all find it well
function probes.agree(member)
  for _, probe in ipairs(member.probes) do
    if not probe.verdict then return false end
  end
  return true
end

-- What the last checks found, together.
---@return "up"|"down"|"unknown"
function probes.last(member)
  local state = "up"
  for _, probe in ipairs(member.probes) do
    if probe.last_ok == false then return "down" end
    if probe.last_ok == nil then state = "unknown" end
  end
  return state
end

return probes
