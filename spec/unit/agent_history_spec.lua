local ffi = require "neap.ffi"
local instance = require "neap.instance"

-- A board made of tables: what C gives the history.
local function new_world()
  local world = { time = 1e9, rows = { [0] = {}, [1] = {} }, backends = {}, service = 0 }
  local C = {}
  function C.neap_history_used(is_short) return #world.rows[is_short] end
  function C.neap_history_row_at(is_short, i) return world.rows[is_short][i + 1] end
  function C.neap_history_add(is_short)
    if #world.rows[is_short] >= 512 then return nil end
    local row = ffi.new "neap_history_row[1]"
    table.insert(world.rows[is_short], row[0])
    table.insert(world, row) -- a reference alone does not keep it
    return row[0]
  end
  function C.neap_bucket_bound(i) return i < 41 and i + 1 or 0 end
  function C.neap_life(story) story.serving_ms = 1 end
  function C.neap_count_pool(_, to) ffi.fill(to, ffi.sizeof(to)) end
  function C.neap_count_twice(_, to) ffi.fill(to, ffi.sizeof(to)) end
  function C.neap_count_service(_, _, to)
    ffi.fill(to, ffi.sizeof(to))
    to.requests, to.answers[2], to.total.bucket[3] = world.service, world.service, world.service
  end
  function C.neap_count_backends(slots, n, to)
    ffi.fill(to, ffi.sizeof(to))
    for i = 0, n - 1 do
      local b = world.backends[slots[i]]
      to.requests, to.inflight = to.requests + b.requests, to.inflight + b.inflight
    end
  end
  world.history = instance.new { C = C, native = require "neap.native" } "neap.agent.history"
  world.pool = { name = "web", index = 0, members = {} }
  local services = { { name = "web", pool = "web" } }
  world.agent = { pools = { world.pool }, config = { services = services },
    board = { wall_ms = function() return world.time * 1000 end } }
  return world
end

local function add_backends(world, from, to)
  for slot = from, to do
    world.backends[slot] = { requests = 0, inflight = 0 }
    table.insert(world.pool.members, { slot = slot, name = "b" .. slot })
  end
end

-- So many seconds, each with so many requests to the service and to each backend.
local function run(world, seconds, requests)
  for _ = 1, seconds do
    world.time = world.time + 1
    world.service = world.service + requests
    for _, member in ipairs(world.pool.members) do
      local backend = world.backends[member.slot]
      backend.requests = backend.requests + requests
    end
    world.history.look(world.agent)
  end
end

local FIELD = { requests = 1, inflight = 9, p50 = 10 }

local function list(world, key, field, step)
  local _, samples = world.history.read(key, step or 1, 0)
  return samples[FIELD[field]]
end

local SERVICE, POOL = { "service", "web" }, { "pool", "web" }

describe("the agent's history", function()
  local world
  before_each(function()
    world = new_world()
    add_backends(world, 1, 2)
    run(world, 1, 0)
  end)

  it("has each second of ten minutes, and each minute after them", function()
    run(world, 700, 5)
    local seconds = list(world, SERVICE, "requests")
    assert.equals(600, #seconds)
    for _, value in ipairs(seconds) do assert.equals(5, value) end
    local minutes = list(world, POOL, "requests", 60)
    assert.equals(12, #minutes)
    assert.equals(10, minutes[2])
    local first = world.history.read(SERVICE, 1, 0)
    assert.equals(world.time, first + 599)
  end)

  it("has the quantiles of a step alone", function()
    run(world, 3, 4)
    run(world, 1, 0)
    local p50 = list(world, SERVICE, "p50")
    assert.equals(3.5, p50[3])
    assert.is_true(p50[4] ~= p50[4])
  end)

  it("has the most of a minute that was in flight", function()
    run(world, 60, 0)
    world.backends[1].inflight = 7
    run(world, 1, 0)
    world.backends[1].inflight = 1
    run(world, 59, 0)
    local minutes = list(world, POOL, "inflight", 60)
    assert.equals(7, minutes[#minutes])
    assert.equals(1, list(world, POOL, "inflight")[120])
  end)

  it("gives seconds that nobody looked at the average", function()
    world.time, world.service = world.time + 3, 6
    run(world, 1, 2)
    assert.same({ 2, 2, 2, 2 }, list(world, SERVICE, "requests"))
  end)

  it("leaves a longer time empty", function()
    world.time, world.service = world.time + 20, 1e6
    run(world, 1, 0)
    run(world, 1, 3)
    local seen = list(world, SERVICE, "requests")
    assert.equals(22, #seen)
    for i = 1, 21 do assert.is_true(seen[i] ~= seen[i]) end
    assert.equals(3, seen[22])
  end)

  it("begins anew when the clock is set back", function()
    run(world, 5, 1)
    world.time = world.time - 3600
    run(world, 2, 1)
    assert.same({ 1 }, list(world, SERVICE, "requests"))
  end)

  it("takes no backend that left or came back for traffic", function()
    world.backends[2].requests = 1e6
    run(world, 1, 0)
    local gone = table.remove(world.pool.members)
    run(world, 3, 5)
    table.insert(world.pool.members, gone)
    run(world, 2, 5)
    assert.same({ 1e6, 5, 5, 5, 5, 10 }, list(world, POOL, "requests"))
  end)

  it("has backends only while there are not too many", function()
    run(world, 2, 1)
    assert.same({ 1, 1 }, list(world, { "backend", "b2", "web" }, "requests"))
    add_backends(world, 3, 513)
    run(world, 2, 1)
    assert.same({ 1, 1 }, list(world, { "backend", "b2", "web" }, "requests"))
    assert.is_nil(world.history.read({ "backend", "b9", "web" }, 1, 0))
  end)
end)
