local base = require "unit.base_probe"
local ffi, lib = base.ffi, base.lib

describe("a slab", function()
  local slab
  before_each(function() slab = ffi.new "struct bt_slab" end)
  after_each(function() lib.slab_fini(slab) end)

  it("rounds sizes up to 16 bytes and aligns objects so", function()
    for asked, made in pairs { [0] = 16, 16, [16] = 16, [17] = 32, [100] = 112, [16384] = 16384 } do
      lib.slab_init(slab, asked, 100)
      assert.equals(made, tonumber(slab.object_bytes))
      for _ = 1, 20 do
        assert.equals(0, tonumber(ffi.cast("uintptr_t", lib.slab_take(slab)) % 16))
      end
      lib.slab_fini(slab)
    end
  end)

  it("carves chunks of 64 KiB or more, never more than its cap", function()
    for _, row in ipairs {
      { 64, 100000, 1023 }, { 48, 100000, 1364 }, { 16384, 100, 7 }, { 262144, 100, 7 },
      { 64, 10, 10 }, { 64, 0, 0 },
    } do
      lib.slab_init(slab, row[1], row[2])
      assert.equals(row[3], slab.per_chunk)
    end
  end)

  it("gives what was put back last first", function()
    lib.slab_init(slab, 32, 10)
    local a, b = lib.slab_take(slab), lib.slab_take(slab)
    assert.is_true(a ~= b)
    lib.slab_put(slab, a)
    lib.slab_put(slab, b)
    assert.equals(b, lib.slab_take(slab))
    assert.equals(a, lib.slab_take(slab))
    assert.equals(2, slab.made)
    lib.slab_put(slab, nil)
    assert.equals(2, slab.used)
  end)

  it("gives an object's pages back, and no byte of its neighbours", function()
    local bytes = tonumber(lib.slab_whole_pages(1))
    assert.equals(2 * bytes, tonumber(lib.slab_whole_pages(bytes + 1)))
    lib.slab_init(slab, bytes, 3)
    local taken = {}
    for i = 1, 3 do
      taken[i] = lib.slab_take(slab)
      ffi.fill(taken[i], bytes, 7)
    end
    lib.slab_give_pages(slab, taken[2])
    for i = 1, 3 do
      assert.equals(ffi.string(ffi.new("char[?]", bytes, i == 2 and 0 or 7), bytes),
        ffi.string(taken[i], bytes))
    end
  end)

  it("says no at its cap, and yes again when there is room", function()
    lib.slab_init(slab, 16384, 20)
    local taken = {}
    for i = 1, 20 do
      taken[i] = lib.slab_take(slab)
      assert.is_true(taken[i] ~= nil)
      ffi.fill(taken[i], 16384, i)
    end
    assert.is_true(lib.slab_take(slab) == nil)
    for i = 1, 20 do -- nobody wrote into another's
      local bytes = ffi.cast("uint8_t *", taken[i])
      assert.is_true(bytes[0] == i and bytes[16383] == i)
    end
    lib.slab_put(slab, taken[7])
    assert.equals(taken[7], lib.slab_take(slab))
    assert.is_true(lib.slab_take(slab) == nil)
    assert.equals(20, slab.made)
    lib.slab_init(slab, 16, 0)
    assert.is_true(lib.slab_take(slab) == nil)
  end)

  it("can be used again after its end", function()
    lib.slab_init(slab, 64, 4)
    lib.slab_take(slab)
    lib.slab_fini(slab)
    lib.slab_fini(slab)
    assert.equals(0, slab.used)
    assert.is_true(lib.slab_take(slab) ~= nil)
  end)

  it("does not touch memory before it is taken", function()
    lib.slab_init(slab, 1024 * 1024, 64)
    local function resident() -- pages
      local file = assert(io.open "/proc/self/statm")
      local pages = tonumber(file:read("*a"):match "^%d+ (%d+)")
      file:close()
      return pages
    end
    local before = resident()
    for _ = 1, 64 do lib.slab_take(slab) end
    assert.is_true(resident() - before < 4096) -- 16 MiB of 64
  end)

  it("poisons what is free under AddressSanitizer", function()
    if not os.getenv "NEAP_SANITIZED" then return end
    lib.slab_init(slab, 64, 4)
    local object = lib.slab_take(slab)
    local neighbour = ffi.cast("char *", object) + 64
    local poisoned = function(p) return lib.__asan_address_is_poisoned(p) ~= 0 end
    assert.is_false(poisoned(object))
    assert.is_true(poisoned(neighbour))
    lib.slab_put(slab, object)
    assert.is_true(poisoned(object))
    assert.equals(object, lib.slab_take(slab))
    assert.is_false(poisoned(object))
  end)
end)
