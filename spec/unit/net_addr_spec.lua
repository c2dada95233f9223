local base = require "unit.base_probe"
local ffi, lib = base.ffi, base.lib

local function parse(text)
  local a, e = ffi.new "struct bt_addr", ffi.new "struct bt_error"
  if lib.addr_parse(a, base.str(text), e) ~= 0 then return nil, ffi.string(e.text) end
  return a
end

local function print_addr(a)
  local to = ffi.new "char[128]"
  local n = lib.addr_print(a, to)
  assert.equals(#ffi.string(to), tonumber(n))
  return ffi.string(to)
end

local function peer(text)
  local p = ffi.new "struct bt_peer"
  lib.peer_of_addr(p, (assert(parse(text))))
  return p
end

describe("an address", function()
  it("is read and printed", function()
    for text, printed in pairs {
      ["127.0.0.1:80"] = true, ["0.0.0.0:0"] = true, ["255.255.255.255:65535"] = true,
      ["[::1]:443"] = true, ["[2001:DB8:0:0::1]:1"] = "[2001:db8::1]:1",
      ["[::ffff:192.0.2.1]:80"] = true, ["[::]:0"] = true, ["unix:/run/x.sock"] = true,
      ["unix:/a:b"] = true, ["unix:/" .. ("x"):rep(106)] = true, ["1.2.3.4:00080"] = "1.2.3.4:80",
    } do
      assert.equals(printed == true and text or printed, print_addr(assert(parse(text))))
    end
  end)

  it("may leave the host out: any address", function()
    for _, text in ipairs { ":8080", "*:8080" } do
      local printed = print_addr(assert(parse(text)))
      assert.is_true(printed == "[::]:8080" or printed == "0.0.0.0:8080")
    end
  end)

  it("is refused with the reason", function()
    local port = "the port must be a number from 0 to 65535"
    local missing = "the port is missing (as in 127.0.0.1:80)"
    local name = "not an IP address (names are not looked up here)"
    local brackets = "an IPv6 address must be in brackets (as in [::1]:80)"
    local inside = "no IPv6 address in the brackets"
    local absolute = "the path of a unix socket must start with /"
    for text, why in pairs {
      [""] = missing, ["127.0.0.1"] = missing, ["[::1]"] = missing, ["80"] = missing,
      ["127.0.0.1:"] = port, ["127.0.0.1:65536"] = port, ["127.0.0.1:-1"] = port,
      ["127.0.0.1:+1"] = port, ["127.0.0.1: 80"] = port, ["127.0.0.1:80 "] = port,
      ["127.0.0.1:000080"] = port, ["127.0.0.1:http"] = port, ["127.0.0.1:0x50"] = port,
      ["localhost:80"] = name, ["127.1:80"] = name, ["127.0.0.01:80"] = name,
      ["0177.0.0.1:80"] = name, ["0x7f.0.0.1:80"] = name, ["2130706433:80"] = name,
      ["1.2.3.4.5:80"] = name, ["256.0.0.1:80"] = name, ["1.2.3:80"] = name,
      [" 127.0.0.1:80"] = name, ["127.0.0.1 :80"] = name, ["1.2.3.4\0:80"] = name,
      ["::1:80"] = brackets, ["2001:db8::1:80"] = brackets, ["[::1]x:80"] = brackets,
      ["[]:80"] = inside, ["[::1%lo]:80"] = inside, ["[:::1]:80"] = inside, ["[*]:80"] = inside,
      ["[127.0.0.1]:80"] = "only an IPv6 address goes in brackets",
      ["unix:"] = absolute, ["unix:x.sock"] = absolute, ["unix:@name"] = absolute,
      ["unix:/" .. ("x"):rep(107)] = "the path is too long (107 bytes is the most)",
      ["unix:/a\0b"] = "a zero byte in the path",
    } do
      local a, words = parse(text)
      assert.is_nil(a, text)
      assert.equals(('address "%s": %s'):format(text:match("^%Z*"):sub(1, 100), why), words)
    end
  end)

  it("is made of a literal IP and a port", function()
    local a = ffi.new "struct bt_addr"
    local made = { ["192.0.2.1"] = "192.0.2.1:9", ["2001:db8::1"] = "[2001:db8::1]:9" }
    for ip, printed in pairs(made) do
      assert.is_true(lib.addr_of_ip(a, base.str(ip), 9))
      assert.equals(printed, print_addr(a))
    end
    for _, ip in ipairs { "", "[::1]", "a", "1.2.3.4 ", "1.2.3.4\0", "::1%1", ("1"):rep(100) } do
      assert.is_false(lib.addr_of_ip(a, base.str(ip), 9))
    end
  end)

  it("equals the same address only", function()
    local texts = {
      "127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::1]:80", "[::2]:80", "unix:/a", "unix:/b",
      "[::ffff:127.0.0.1]:80",
    }
    for i, one in ipairs(texts) do
      for j, other in ipairs(texts) do
        assert.equals(i == j, lib.addr_equal(parse(one), parse(other)))
      end
    end
    local none = ffi.new "struct bt_addr"
    assert.is_true(lib.addr_equal(none, none))
    assert.is_false(lib.addr_equal(none, parse "1.2.3.4:5"))
    assert.equals("", print_addr(none))
  end)

  it("has a port, unless it is a path", function()
    for text, port in pairs { ["1.2.3.4:5"] = 5, ["[::1]:6"] = 6, ["unix:/x"] = 0 } do
      local a = parse(text)
      assert.equals(port, lib.addr_port(a))
      lib.addr_set_port(a, 77)
      assert.equals(port == 0 and 0 or 77, lib.addr_port(a))
      assert.equals(port == 0, lib.addr_is_unix(a))
    end
  end)
end)

describe("a peer", function()
  it("is printed as an IP alone", function()
    local to = ffi.new "char[46]"
    for text, printed in pairs {
      ["192.0.2.1:7"] = "192.0.2.1", ["[2001:db8::1]:7"] = "2001:db8::1", ["unix:/x"] = "",
      ["[::ffff:192.0.2.9]:7"] = "192.0.2.9",
    } do
      assert.equals(#printed, tonumber(lib.peer_print_ip(peer(text), to)))
      assert.equals(printed, ffi.string(to))
    end
    assert.equals(7, peer("192.0.2.1:7").port)
  end)
end)

describe("a range", function()
  local function range(text)
    local c, e = ffi.new "struct bt_cidr", ffi.new "struct bt_error"
    if lib.cidr_parse(c, base.str(text), e) ~= 0 then return nil, ffi.string(e.text) end
    return c
  end

  it("contains what has its prefix", function()
    for _, row in ipairs {
      { "10.0.0.0/8", "10.255.1.2:1", true }, { "10.0.0.0/8", "11.0.0.0:1", false },
      { "10.9.9.9/8", "10.1.1.1:1", true }, { "192.0.2.1", "192.0.2.1:1", true },
      { "192.0.2.1", "192.0.2.2:1", false }, { "0.0.0.0/0", "8.8.8.8:1", true },
      { "192.0.2.128/25", "192.0.2.127:1", false }, { "192.0.2.128/25", "192.0.2.128:1", true },
      { "192.0.2.0/31", "192.0.2.1:1", true }, { "192.0.2.0/32", "192.0.2.1:1", false },
      { "2001:db8::/32", "[2001:db8:ffff::1]:1", true },
      { "2001:db8::/33", "[2001:db8:8000::1]:1", false },
      { "::1", "[::1]:1", true }, { "::1/128", "[::2]:1", false },
      { "::/0", "[2001:db8::]:1", true }, { "::/0", "192.0.2.1:1", false },
      { "0.0.0.0/0", "[::1]:1", false }, { "192.0.2.0/24", "[::ffff:192.0.2.9]:1", true },
      { "::ffff:192.0.2.0/120", "192.0.2.9:1", true },
      { "unix", "unix:/x", true }, { "unix", "1.2.3.4:5", false },
      { "0.0.0.0/0", "unix:/x", false }, { "::/0", "unix:/x", false },
    } do
      local c = assert(range(row[1]))
      assert.equals(row[3], lib.cidr_contains(c, peer(row[2])), row[1] .. " and " .. row[2])
    end
  end)

  it("is refused with the reason", function()
    local length = "the prefix length must be a number up to 32 (IPv4) or 128 (IPv6)"
    local ip = "not an IP address or a range (as in 10.0.0.0/8)"
    for text, why in pairs {
      [""] = ip, ["10/8"] = ip, ["10.0.0/8"] = ip, ["a/8"] = ip, ["/8"] = ip, ["unix:"] = ip,
      ["010.0.0.0/8"] = ip, [" 10.0.0.0/8"] = ip, ["[::1]"] = ip, ["10.0.0.0\0/8"] = ip,
      ["10.0.0.0/33"] = length, ["::/129"] = length, ["10.0.0.0/"] = length,
      ["10.0.0.0/-1"] = length, ["10.0.0.0/8/8"] = length, ["10.0.0.0/255.0.0.0"] = length,
      ["10.0.0.0/0008"] = length, ["10.0.0.0/8 "] = length,
    } do
      local c, words = range(text)
      assert.is_nil(c, text)
      assert.equals(('address "%s": %s'):format(text:match "^%Z*", why), words)
    end
  end)
end)
