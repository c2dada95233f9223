local probe = require "support.probe"

local ffi = probe.ffi
local lib = probe.load [[
struct str { const char *p; size_t n; };
struct out { char *p; size_t n, cap; bool full; };
bool grpc_is_type(struct str content_type);
int grpc_status_of(struct str value);
int grpc_of_http(uint16_t status);
bool grpc_timeout_of(struct str value, uint64_t *us);
size_t grpc_write_timeout(char *to, uint64_t us);
void grpc_write_message(struct out *o, struct str text);
void out_init(struct out *o, char *memory, size_t cap);
]]

local function str(text) return ffi.new("struct str", text, #text) end

local function timeout(text)
  local us = ffi.new "uint64_t[1]"
  return lib.grpc_timeout_of(str(text), us) and tonumber(us[0]) or nil
end

local function written(us)
  local to = ffi.new "char[9]"
  return ffi.string(to, lib.grpc_write_timeout(to, us))
end

local function message(text)
  local memory, o = ffi.new "char[4096]", ffi.new "struct out"
  lib.out_init(o, memory, 4096)
  lib.grpc_write_message(o, str(text))
  return ffi.string(o.p, o.n)
end

describe("what gRPC adds to HTTP", function()
  it("is told by the type of the content", function()
    for text, is_call in pairs {
      ["application/grpc"] = true, ["application/grpc+proto"] = true,
      ["application/grpc;charset=x"] = true, ["application/grpc ; a=b"] = true,
      ["Application/GRPC"] = true, ["application/grpc-web"] = false, ["application/grpcs"] = false,
      ["application/grp"] = false, [""] = false, ["text/plain"] = false,
    } do
      assert.equal(is_call, lib.grpc_is_type(str(text)), text)
    end
  end)

  it("has statuses from 0 to 16, and UNKNOWN for all else", function()
    for number = 0, 16 do assert.equal(number, lib.grpc_status_of(str(tostring(number)))) end
    for _, text in ipairs { "", "17", "99", "00", "01", "1x", "x", "-1", "1 ", "100", "0x1",
      "\0" } do
      assert.equal(2, lib.grpc_status_of(str(text)), text)
    end
  end)

  it("has a status for each of HTTP, which is never OK", function()
    for status = 0, 1000 do assert.is_true(lib.grpc_of_http(status) > 0) end
    assert.same({ 14, 4, 8, 12 }, { lib.grpc_of_http(503), lib.grpc_of_http(504),
      lib.grpc_of_http(413), lib.grpc_of_http(404) })
  end)

  it("has times of up to eight digits and a unit", function()
    for text, us in pairs {
      ["1H"] = 3600e6, ["2M"] = 120e6, ["3S"] = 3e6, ["4m"] = 4000, ["5u"] = 5, ["6000n"] = 6,
      ["1n"] = 1, ["0n"] = 0, ["0H"] = 0, ["00000007S"] = 7e6, ["99999999H"] = 99999999 * 3600e6,
    } do
      assert.equal(us, timeout(text), text)
    end
    for _, text in ipairs { "", "S", "1", "123456789S", "1s", "1h", "-1S", "+1S", "1.5S", "1 S",
      "1SS", " 1S", "1S ", "0x1S", "\0S" } do
      assert.is_nil(timeout(text), text)
    end
  end)

  it("writes times that are never longer, in the finest unit", function()
    assert.same({ "0u", "1u", "99999999u", "100000m", "99999999m" },
      { written(0), written(1), written(99999999), written(100000000), written(99999999999) })
    for _, us in ipairs { 1, 999, 123456789, 1e12 + 1, 5e14, 99999999 * 3600e6 } do
      local back = timeout(written(us))
      assert.is_true(back <= us and back > us * 0.99, written(us))
    end
    assert.equal("99999999H", written(2 ^ 62))
  end)

  it("has messages that are percent-encoded, and not endless", function()
    assert.equal("a b~!$&", message "a b~!$&")
    assert.equal("50 %25%0D%0A%00%7F%C3%BC", message "50 %\r\n\0\127\195\188")
    assert.equal(1024, #message(("x"):rep(5000)))
    assert.equal(3072, #message(("%"):rep(5000)))
  end)
end)
