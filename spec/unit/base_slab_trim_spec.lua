-- Memory of slabs that goes back when less of it is used.
local base = require "unit.base_probe"
local ffi, lib = base.ffi, base.lib

local BYTES, MANY = 4096, 4000
local MIB = 1024 * 1024

describe("a slab that is trimmed", function()
  local slab, taken
  before_each(function()
    slab = ffi.new "struct bt_slab"
    lib.slab_init(slab, BYTES, 100000)
    taken = {}
  end)
  after_each(function() lib.slab_fini(slab) end)

  local function take(n)
    for _ = 1, n do
      local object = lib.slab_take(slab)
      assert(object ~= nil)
      ffi.cast("uint32_t *", object)[BYTES / 4 - 1] = #taken + 1
      table.insert(taken, { object, #taken + 1 })
    end
  end

  local function put(index)
    local row = table.remove(taken, index)
    assert(row[2] == ffi.cast("uint32_t *", row[1])[BYTES / 4 - 1]) -- it was nobody else's
    lib.slab_put(slab, row[1])
  end

  local function put_all() while #taken > 0 do put() end end

  local function trim(units)
    local budget = ffi.new("uint32_t[1]", units or 1e9)
    return lib.slab_trim(slab, budget), tonumber(budget[0])
  end

  local function look_often()
    for _ = 1, 16 do
      lib.slab_look(slab)
      trim()
    end
  end

  it("keeps what is in use, and what was lately", function()
    take(MANY)
    lib.slab_look(slab)
    put_all()
    trim()
    assert.equals(MANY, slab.made)
    look_often()
    assert.is_true(slab.made * BYTES < MIB)
    take(MANY)
    look_often()
    assert.equals(MANY, slab.used)
    put_all()
  end)

  it("has its memory from the system, and gives it back", function()
    local function resident()
      local file = assert(io.open "/proc/self/statm")
      local pages = tonumber(file:read("*a"):match "^%d+ (%d+)")
      file:close()
      return pages * 4096
    end
    take(MANY)
    local most = resident()
    put_all()
    look_often()
    if not os.getenv "NEAP_SANITIZED" then assert.is_true(most - resident() > 12 * MIB) end
  end)

  it("knows a peak between two looks", function()
    for _ = 1, 3 do
      take(MANY)
      put_all()
      lib.slab_look(slab)
      trim()
      assert.is_true(slab.made >= MANY)
    end
  end)

  it("does so in portions, while others take and put", function()
    take(MANY)
    put_all()
    for _ = 1, 16 do lib.slab_look(slab) end
    local portions = 0
    slab.lately = 0
    repeat
      local is_done, left = trim(100)
      assert.is_true(is_done or left == 0)
      take(3)
      put()
      put()
      portions = portions + 1
    until is_done
    assert.is_true(portions > MANY / 100)
    put_all()
    look_often()
    assert.is_true(slab.made * BYTES < MIB)
  end)

  it("loses and doubles no object, whatever the order", function()
    math.randomseed(7)
    for _ = 1, 100 do
      take(math.random(0, 100))
      for _ = 1, math.min(#taken, math.random(0, 100)) do put(math.random(#taken)) end
      if math.random(3) == 1 then lib.slab_look(slab) end
      if math.random(2) == 1 then trim(math.random(1, 1000)) end
      if math.random(20) == 1 then slab.lately = 0 end
      assert.equals(#taken, slab.used)
      local seen = {}
      for _, row in ipairs(taken) do
        local key = tostring(row[1])
        assert(not seen[key])
        seen[key] = true
      end
    end
    put_all()
    look_often()
    assert.is_true(slab.made * BYTES < MIB)
  end)

  it("holds to its cap", function()
    lib.slab_fini(slab)
    lib.slab_init(slab, BYTES, 1000)
    for _ = 1, 3 do
      take(1000)
      assert.is_true(lib.slab_take(slab) == nil)
      put_all()
      look_often()
    end
  end)

  it("may have one object a chunk", function()
    lib.slab_fini(slab)
    lib.slab_init(slab, MIB, 1)
    for _ = 1, 3 do
      local object = lib.slab_take(slab)
      assert.is_true(object ~= nil)
      lib.slab_put(slab, object)
      look_often()
      assert.equals(0, slab.made)
    end
  end)
end)
