-- What happens to backends during a run: `--event "30s b2 down"`. A plan is checked as a whole
-- before anything runs: an impossible event is an error.

local show = require "neap.config.show"
local values = require "neap.sim.values"

local plan = {}

local function share(text)
  local number = values.number(text)
  return number and number >= 0 and number <= 1 and number
end

local function above_zero(text)
  local number = values.number(text)
  return number and number > 0 and number
end

local function weight(text) return (values.integer(text, 0, 65535)) end

-- What may come after the name.
local KINDS = {
  { word = "down", form = "down", moves = "leaves", act = function(sim, b) sim:down(b) end },
  { word = "up", form = "up", moves = "unclear", act = function(sim, b) sim:up(b) end },
  { word = "drain", form = "drain", moves = "leaves",
    act = function(sim, b) sim:order(b, "drain") end },
  { word = "undrain", form = "undrain", moves = "joins",
    act = function(sim, b) sim:order(b, "auto") end },
  { word = "leave", form = "leave", moves = "leaves",
    act = function(sim, b) sim:member(b, false) end },
  { word = "join", form = "join", moves = "joins",
    act = function(sim, b) sim:member(b, true) end },
  { word = "slow", form = "slow:FACTOR", value = above_zero, expected = "a number above 0",
    act = function(sim, b, factor) sim:slower(b, factor) end },
  { word = "fail", form = "fail:SHARE", value = share, expected = "a share from 0 to 1",
    act = function(sim, b, part) sim:fail(b, part) end },
  { word = "weight", form = "weight:N", moves = "unclear", value = weight,
    expected = "an integer from 0 to 65535",
    act = function(sim, b, number) sim:order(b, "weight", number) end },
}

---@return string  -- for the help
function plan.forms() return values.forms(KINDS) end

-- "b2", "b1-b5", "all" → first and last number
---@return number? first, any last  -- or nil and what is wrong
function plan.range(text, n)
  if text == "all" then return 1, n end
  local first, last = text:match "^b(%d+)%-b?(%d+)$"
  if not first then
    first = text:match "^b(%d+)$"
    last = first
  end
  first, last = tonumber(first), tonumber(last)
  if not first then
    return nil, ("'%s' is no backend (expected b1, b1-b3 or all)"):format(show.text(text))
  end
  if first < 1 or last > n or first > last then
    return nil, ("there is no backend %s (there are b1 to b%d)"):format(show.text(text), n)
  end
  return first, last
end

local function kind_of(text)
  local word, value = text:match "^(%a+):?(.*)$"
  for _, kind in ipairs(KINDS) do
    if kind.word == word then
      if not kind.value then
        if value == "" then return kind end
        return nil, ("'%s' takes no value"):format(word)
      end
      local number = kind.value(value)
      if number then return kind, number end
      return nil, ("'%s' is impossible: %s (expected %s)"):format(show.text(text), kind.form,
        kind.expected)
    end
  end
  local words = {}
  for _, kind in ipairs(KINDS) do table.insert(words, kind.word) end
  return nil, ("'%s' is no event%s; it is one of %s"):format(show.text(text),
    values.hint(word or "", words), plan.forms())
end

---@param text string
---@param n number  of backends
---@param horizon number  seconds
---@return table? event, string? why
function plan.parse(text, n, horizon)
  local at, name, what = text:match "^%s*(%S+)%s+(%S+)%s+(%S+)%s*$"
  if not at then return nil, "expected TIME BACKEND EVENT, like '30s b2 down'" end
  local time = values.seconds(at)
  if not time or time < 0 then
    return nil, ("'%s' is not a time (expected one like 30s)"):format(show.text(at))
  end
  if time >= horizon then
    return nil, ("at %s the simulation is over: it takes %.6g s"):format(at, horizon)
  end
  local first, last = plan.range(name, n)
  if not first then return nil, last end
  local kind, value = kind_of(what)
  if not kind then return nil, value end
  return {
    time = time, first = first, last = last, kind = kind, text = text,
    act = function(sim)
      for b = first, last do
        kind.act(sim, b, value)
        if kind.moves then sim:moves(kind.moves, b) end
      end
      sim:settle()
    end,
  }
end

-- Impossible events: a backend dies twice, or comes back without having died. Each event puts a
-- backend into a state, or ends that.
local STATES = {
  down = { "down", true, "is down already" }, up = { "down", false, "is not down" },
  drain = { "drain", true, "drains already" }, undrain = { "drain", false, "does not drain" },
  leave = { "out", true, "has left already" }, join = { "out", false, "is there already" },
}

---@param states table  state → set of backends
local function check_one(event, states)
  local state = STATES[event.kind.word]
  if not state then return end
  local set, is_in, no_use = states[state[1]], state[2], state[3]
  for b = event.first, event.last do
    if (set[b] or false) == is_in then
      return ("'%s': b%d %s by then"):format(show.text(event.text), b, no_use)
    end
    set[b] = is_in
  end
end

-- Those whose first event of the kind is `join`: they are not there before it.
local function absent(events)
  local out, known = {}, {}
  for _, event in ipairs(events) do
    local state = STATES[event.kind.word]
    for b = event.first, state and state[1] == "out" and event.last or 0 do
      if not known[b] then out[b] = not state[2] or nil end
      known[b] = true
    end
  end
  return out
end

---@param texts string[]
---@return table? events, string? why  -- by time; `absent`: the backends that join later, `moves`:
---  do any come or go?
function plan.make(texts, n, horizon)
  local events = {}
  for i, text in ipairs(texts) do
    local event, why = plan.parse(text, n, horizon)
    if not event then return nil, ("'%s': %s"):format(show.text(text), why) end
    event.order = i
    table.insert(events, event)
  end
  table.sort(events, function(a, b)
    if a.time ~= b.time then return a.time < b.time end
    return a.order < b.order
  end)
  events.absent = absent(events)
  local states = { down = {}, drain = {}, out = {} }
  for b in pairs(events.absent) do states.out[b] = true end
  for _, event in ipairs(events) do
    local why = check_one(event, states)
    if why then return nil, why end
    events.moves = events.moves or event.kind.moves == "leaves" or event.kind.moves == "joins"
  end
  return events
end

return plan
