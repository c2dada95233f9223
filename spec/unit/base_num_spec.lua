local base = require "unit.base_probe"
local ffi, lib = base.ffi, base.lib

local MAX = 0xFFFFFFFFFFFFFFFFULL

-- The result as a number without suffix, or false.
local function value(f, ...)
  local out = ffi.new("uint64_t[1]", 77)
  local arguments = { ... }
  table.insert(arguments, out)
  if not f(unpack(arguments)) then
    assert(out[0] == 77, "a failure leaves the result alone")
    return false
  end
  return (tostring(out[0]):gsub("ULL$", ""))
end

local function check(rows, f)
  for _, row in ipairs(rows) do
    local expected = table.remove(row)
    local got = f(row)
    if got ~= expected then
      error(("%s: %s instead of %s"):format(tostring(row[1]), tostring(got), tostring(expected)))
    end
  end
end

describe("checked numbers", function()
  it("add and multiply without wrapping", function()
    check({
      { 0, 0, "0" }, { 1, 2, "3" }, { MAX, 0, "18446744073709551615" }, { MAX, 1, false },
      { MAX - 1, 1, "18446744073709551615" }, { MAX, MAX, false },
    }, function(row) return value(lib.num_add_u64, row[1], row[2]) end)
    check({
      { 0, MAX, "0" }, { MAX, 0, "0" }, { 3, 4, "12" }, { MAX, 1, "18446744073709551615" },
      { MAX, 2, false }, { 0x100000000ULL, 0x100000000ULL, false },
      { 0x100000000ULL, 0xFFFFFFFFULL, "18446744069414584320" },
    }, function(row) return value(lib.num_mul_u64, row[1], row[2]) end)
  end)

  it("are read from decimal digits alone", function()
    check({
      { "0", MAX, "0" }, { "7", MAX, "7" }, { "007", MAX, "7" }, { "65535", 65535, "65535" },
      { "65536", 65535, false }, { "18446744073709551615", MAX, "18446744073709551615" },
      { "18446744073709551616", MAX, false }, { "99999999999999999999", MAX, false },
      { "184467440737095516150", MAX, false }, { "5", 4, false }, { "4", 4, "4" },
      { "0", 0, "0" }, { "1", 0, false }, { "10", 9, false },
      { "", MAX, false }, { "-1", MAX, false }, { "+1", MAX, false }, { " 1", MAX, false },
      { "1 ", MAX, false }, { "1.0", MAX, false }, { "1e3", MAX, false }, { "0x1", MAX, false },
      { "a", MAX, false }, { "1\0", MAX, false }, { "1,000", MAX, false },
      { "\194\178", MAX, false },
    }, function(row) return value(lib.num_parse_u64, base.str(row[1]), row[2]) end)
  end)

  it("are read from hexadecimal digits alone", function()
    check({
      { "0", MAX, "0" }, { "fF", MAX, "255" }, { "ffffffffffffffff", MAX, "18446744073709551615" },
      { "10000000000000000", MAX, false }, { "00000000000000000001", MAX, "1" },
      { "10", 15, false }, { "f", 15, "15" }, { "f", 3, false }, { "", MAX, false },
      { "g", MAX, false }, { "0x1", MAX, false }, { "-1", MAX, false }, { "1 ", MAX, false },
      { "@", MAX, false }, { "`", MAX, false }, { ":", MAX, false }, { "/", MAX, false },
    }, function(row) return value(lib.num_parse_hex, base.str(row[1]), row[2]) end)
  end)

  it("of seconds become milliseconds, rounded up", function()
    check({
      { 0, 0 }, { -1, 0 }, { 0 / 0, 0 }, { -1 / 0, 0 }, { 1 / 0, 4294967295 }, { 1, 1000 },
      { 0.001, 1 }, { 0.0001, 1 }, { 1e-300, 1 }, { 0.0011, 2 }, { 0.07, 70 }, { 1.1, 1100 },
      { 0.29, 290 }, { 4294967.294, 4294967294 }, { 4294967.295, 4294967295 }, { 1e10, 4294967295 },
    }, function(row) return lib.num_ms_of_seconds(row[1]) end)
  end)

  it("are written as digits, without a zero behind", function()
    local function written(f, size)
      return function(row)
        local to = ffi.new("char[?]", size + 1, ("#"):rep(size + 1))
        local n = tonumber(f(to, row[1]))
        assert.equals(("#"):byte(), to[n])
        return ffi.string(to, n)
      end
    end
    check({
      { 0, "0" }, { 9, "9" }, { 10, "10" }, { 4294967296ULL, "4294967296" },
      { MAX, "18446744073709551615" },
    }, written(lib.num_write_u64, 20))
    check({ { 0, "0" }, { 10, "a" }, { 4096, "1000" }, { MAX, "ffffffffffffffff" } },
      written(lib.num_write_hex, 16))
  end)
end)
