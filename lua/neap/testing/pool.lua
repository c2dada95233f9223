-- A pool of a virtual balancer as specs handle it: faults of its backends, and requests to it.

local early = require "neap.testing.early"
local exchange = require "neap.testing.exchange"
local facade = require "neap.testing.facade"
local health = require "neap.testing.health"
local routines = require "neap.testing.routines"

local Pool = {}

local function slot_of(self, name)
  for _, slot in ipairs(self.balancer.slots_of[self.name]) do
    if self.balancer.world.board.name(slot) == name then return slot end
  end
  local names = {}
  for _, slot in ipairs(self.balancer.slots_of[self.name]) do
    if #names < 10 then table.insert(names, self.balancer.world.board.name(slot)) end
  end
  error(("pool %s has no backend '%s' (it has %s)"):format(self.name, tostring(name),
    table.concat(names, ", ")), 3)
end

-- What hooks get: the backends that may serve now, with the pool's methods. Another one after each
-- change, so ask for it each time.
function Pool:view()
  self.balancer:activate()
  return self.balancer.runtime.pool(self.name)
end

---@return any  the backend of that name, as hooks see it
function Pool:backend(name)
  local slot = slot_of(self, name)
  return self.balancer.runtime.backend(slot, self.balancer.world.board.rows[slot].epoch)
end

-- A request as hooks see it, to call one by hand; it does not end.
function Pool:request(fields)
  local guard = require "neap.testing.guard"
  local balancer = self.balancer
  balancer.request_kind = balancer.request_kind or guard.request_kind(balancer)
  return balancer.request_kind(balancer:request(fields).id)
end

---@param fields table?  method, path, query, host, headers, cookies, client_ip, …
---@return table result  see exchange.run
function Pool:send(fields) return exchange.run(self.balancer, fields) end

---@return string? name  of the backend that answered
function Pool:pick(fields)
  local result = exchange.run(self.balancer, fields)
  return result.backend, result.reason
end

-- A connection comes: is it let in? Asks the hook `connection`.
---@param fields table?  client_ip, client_port
---@return boolean
function Pool:connection(fields) return early.connection(self.balancer, fields) end

-- A datagram comes: by what is its flow found? Asks the hook `key`.
---@param datagram table?  bytes, client_ip, client_port
---@return string? key, string? whose
function Pool:key(datagram) return early.key(self.balancer, datagram) end

-- A TLS handshake begins: the certificate that the hook `certificate` gives for it, or nil.
---@param hello table?  sni, alpn, versions, ja4, client_ip
---@return table?
function Pool:certificate(hello) return early.certificate(self.balancer, hello) end

-- n requests; fields: of all of them, or a function(i) that gives those of one.
---@return table<string, integer> counts  by name of the backend that answered, `none` for others
function Pool:count(n, fields)
  local counts = {}
  for _, slot in ipairs(self.balancer.slots_of[self.name]) do
    counts[self.balancer.world.board.name(slot)] = 0
  end
  for i = 1, n do
    local given = type(fields) == "function" and fields(i) or fields
    local name = exchange.run(self.balancer, given).backend or "none"
    counts[name] = (counts[name] or 0) + 1
  end
  return counts
end

local function fault(self, name, what)
  self.balancer.faults[slot_of(self, name)] = what
  return self
end

-- Its process is gone: connections are refused. The balancer finds out by a request or a check.
function Pool:kill(name) return fault(self, name, { kind = "dead" }) end
-- Connecting to it takes until the timeout.
function Pool:cut_off(name) return fault(self, name, { kind = "unreachable" }) end
-- It accepts requests and never answers.
function Pool:hang(name) return fault(self, name, { kind = "hang" }) end
-- It answers after so many seconds.
function Pool:slow(name, seconds) return fault(self, name, { kind = "slow", seconds = seconds }) end
-- It answers with that status.
function Pool:status(name, status)
  return fault(self, name, { kind = "status", status = status })
end
-- It resets connections instead of answering: the next `times` ones, or all.
function Pool:reset(name, times) return fault(self, name, { kind = "reset", times = times }) end
-- What it sends is no HTTP.
function Pool:garble(name) return fault(self, name, { kind = "garbage" }) end
-- It is alive for `up` seconds, dead for `down` seconds, and so on.
function Pool:flap(name, up, down)
  return fault(self, name, { kind = "flap", up = up, down = down or up,
    from = self.balancer.world.now() })
end
-- It works again. (A backend that was marked down stays down until a check.)
function Pool:revive(name) return fault(self, name, nil) end

local function set_state(self, name, state, reason)
  local slot = slot_of(self, name)
  local C, states = self.balancer.world.C, self.balancer.world.board.states
  reason = reason or ""
  C.neap_board_set_state(nil, slot, states[state], reason, #reason)
  return self
end

function Pool:down(name, reason) return set_state(self, name, "down", reason) end
function Pool:up(name) return set_state(self, name, "up") end
function Pool:drain(name) return set_state(self, name, "drain") end
function Pool:eject(name, seconds, reason)
  self:backend(name):eject(seconds, reason)
  return self
end

-- Changes what is known of a backend: weight, slots, tier, inflight, latency (seconds), state.
function Pool:set(name, values)
  self.balancer:set(slot_of(self, name) + 1, values)
  return self
end

-- All its slots are taken: for good, or for so many seconds.
function Pool:fill(name, seconds)
  local slots = self:backend(name).slots
  if not slots then error(("backend '%s' has no slots"):format(name), 2) end
  self.balancer.fills[slot_of(self, name)] = seconds and self:now() + seconds
  return self:set(name, { inflight = slots })
end

-- The pool has these backends from now on; those that stay keep their state.
function Pool:members(list)
  self.balancer:republish(self.name, list)
  return self
end

-- What backends answer: function(name, request) → body, or a table: status, headers, body, after.
function Pool:serve(fn)
  self.balancer.serve = fn
  return self
end

-- A policy's `start` runs, then its `every` for the first time. The first request does this, too,
-- if nobody else did.
function Pool:start()
  routines.start(self.balancer)
  return self
end

-- Lets the time pass: checks and `every` run, ejections end.
function Pool:advance(seconds)
  routines.ensure(self.balancer)
  health.advance(self.balancer, seconds)
  return self
end

-- Checks all backends now.
function Pool:check()
  health.check(self.balancer)
  return self
end

function Pool:now() return self.balancer.world.now() end
-- Everything that was logged: "level text" a line.
function Pool:log()
  local lines = {}
  for i, line in ipairs(self.balancer.world.lines) do lines[i] = line.level .. " " .. line.text end
  return table.concat(lines, "\n")
end
-- What hooks raised: { hook =, text =, trace = } each.
function Pool:errors() return self.balancer.errors end
-- neap, as this balancer's policies see it.
function Pool:neap()
  self.balancer:activate()
  return facade.neap
end

local class = {
  __index = function(self, key)
    local method = Pool[key]
    if method then return method end
    if type(key) == "number" then
      error("this is the spec's side of a pool: hooks get pool:view(), or call pool:pick(request)",
        2)
    end
    local value = self:view()[key] -- what hooks can call on it, or the error they get
    if type(value) ~= "function" then return value end
    return function(_, ...) return value(self:view(), ...) end
  end,
  __tostring = function(self) return ("pool %s"):format(self.name) end,
}

---@param balancer table
---@param name string
---@return table
function Pool.new(balancer, name)
  return setmetatable({ balancer = balancer, name = name }, class)
end

return Pool
