local base = require "unit.base_probe"
local ffi, lib, code = base.ffi, base.lib, base.code

describe("an error", function()
  local e
  before_each(function() e = ffi.new "struct bt_error" end)
  local function text() return ffi.string(e.text) end

  it("carries its code and words", function()
    local three = ffi.new("int", 3)
    assert.equals(code.LIMIT, lib.err_set(e, code.LIMIT, "%s: more than %d", "pool", three))
    assert.equals(code.LIMIT, e.code)
    assert.equals("pool: more than 3", text())
  end)

  it("says what the system said", function()
    assert.equals(code.SYSTEM, lib.err_sys(e, 2, "cannot open %s", "/x"))
    assert.equals(code.SYSTEM, e.code)
    assert.equals("cannot open /x: No such file or directory", text())
  end)

  it("needs no place for the words", function()
    assert.equals(code.GONE, lib.err_set(nil, code.GONE, "gone"))
    assert.equals(code.SYSTEM, lib.err_sys(nil, 2, "no file"))
  end)

  it("cuts what is too long", function()
    lib.err_set(e, code.INVALID, "%s", ("x"):rep(5000))
    assert.equals(("x"):rep(1023), text())
    lib.err_sys(e, 2, "%s", ("x"):rep(5000))
    assert.equals(("x"):rep(1023), text())
    lib.err_sys(e, 2, "%s", ("x"):rep(1020))
    assert.equals(("x"):rep(1020) .. ": N", text())
  end)

  it("may get words in front of its own", function()
    lib.err_set(e, code.INVALID, "no such key")
    lib.err_set(e, code.INVALID, "%s: %s", "config.lua", ffi.cast("const char *", e.text))
    assert.equals("config.lua: no such key", text())
  end)

  it("has a name for each code", function()
    for name, number in pairs(code) do
      assert.equals(name:lower(), ffi.string(lib.err_name(number)))
    end
    assert.equals("unknown", ffi.string(lib.err_name(7)))
    assert.equals("unknown", ffi.string(lib.err_name(-1)))
  end)
end)
