local base = require "unit.base_probe"
local probe = require "support.probe"

local ffi = base.ffi
local lib = probe.load [[
struct bt_str { const char *p; size_t n; };
struct bt_client_tls {
  bool is_ended, has_certificate, is_verified, is_resumed;
  struct bt_str sni, alpn, ja4, version, cipher, common_name;
};
struct bt_proxy_tlv { struct bt_client_tls tls; char sni[254], alpn[256];
  struct bt_str checksum; };
struct bt_proxy_header {
  bool is_datagram, has_source; struct bt_peer source; size_t bytes; const char *reason;
  struct bt_proxy_tlv tlv;
};
int proxy_header_parse(struct bt_proxy_header *h, const char *p, size_t n);
size_t proxy_header_write(char *to, unsigned version, const struct bt_peer *source,
                          const struct bt_peer *destination, const struct bt_client_tls *tls);
size_t peer_print_ip(const struct bt_peer *p, char *to);
]]

local MORE, DONE, BAD = 0, 1, 2
local UNIX, V1_MAX, V2_MAX = 1, 107, 16 + 2048
local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"

-- → result, { ip, port } or "unix" or "none", bytes, reason
local function parse(text)
  local h = ffi.new "struct bt_proxy_header"
  local result = lib.proxy_header_parse(h, text, #text)
  local source = "none"
  if h.has_source and h.source.family == UNIX then
    source = "unix"
  elseif h.has_source then
    local ip = ffi.new "char[64]"
    lib.peer_print_ip(h.source, ip)
    source = ("%s %d"):format(ffi.string(ip), h.source.port)
  end
  return result, source, tonumber(h.bytes), h.reason ~= nil and ffi.string(h.reason) or nil
end

local function length(n) return string.char(math.floor(n / 256), n % 256) end

local function v2(command, family, body, n)
  return SIGNATURE .. string.char(command, family) .. length(n or #body) .. body
end

local V4 = "\192\0\2\1" .. "\192\0\2\2" .. "\220\4" .. "\1\187" -- ports 56324 and 443
local V6 = "\32\1\13\184" .. ("\0"):rep(11) .. "\1" .. ("\0"):rep(15) .. "\1" .. "\220\4\1\187"
local TLV = "\4\0\3abc"

local GOOD = {
  ["PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"] = "192.0.2.1 56324",
  ["PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"] = "255.255.255.255 65535",
  ["PROXY TCP6 2001:db8::1 ::1 56324 443\r\n"] = "2001:db8::1 56324",
  ["PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"] = true,
  ["PROXY TCP6 " .. ("ffff:"):rep(7) .. "ffff " .. ("ffff:"):rep(7) .. "ffff 65535 65535\r\n"] =
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535",
  ["PROXY UNKNOWN\r\n"] = "none",
  ["PROXY UNKNOWN " .. ("f"):rep(V1_MAX - 16) .. "\r\n"] = "none",
  [v2(0x21, 0x11, V4)] = "192.0.2.1 56324",
  [v2(0x21, 0x11, V4 .. TLV)] = "192.0.2.1 56324",
  [v2(0x21, 0x21, V6)] = "2001:db8::1 56324",
  [v2(0x21, 0x31, ("/a"):rep(108))] = "unix",
  [v2(0x21, 0x00, "")] = "none",
  [v2(0x21, 0x00, TLV)] = "none",
  [v2(0x20, 0x00, "")] = "none",
  [v2(0x20, 0x11, V4)] = "none",
  [v2(0x21, 0x11, V4 .. "\4" .. length(V2_MAX - 31) .. ("t"):rep(V2_MAX - 31))] = "192.0.2.1 56324",
}

local BAD_ADDRESS = "invalid address in the PROXY line"
local BAD_PORT = "invalid port in the PROXY line"
local MALFORMED = "malformed PROXY line"
local NONE = "no PROXY header"
local REFUSED = {
  ["GET / HTTP/1.1\r\n"] = NONE,
  ["POST / HTTP/1.1\r\n"] = NONE,
  ["PRI * HTTP/2.0\r\n"] = NONE,
  ["proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n"] = NONE,
  [" PROXY UNKNOWN\r\n"] = NONE,
  ["\r\nPROXY UNKNOWN\r\n"] = NONE,
  ["\22\3\1\2\0"] = NONE,
  ["\0"] = NONE,
  ["PROXY\tUNKNOWN\r\n"] = NONE,
  ["PROXY \r\n"] = MALFORMED,
  ["PROXY  UNKNOWN\r\n"] = MALFORMED,
  ["PROXY TCP4\r\n"] = MALFORMED,
  ["PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"] = MALFORMED,
  ["PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n"] = MALFORMED,
  ["PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n"] = MALFORMED,
  ["PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n"] = MALFORMED,
  ["PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n"] = "unknown family in the PROXY line",
  ["PROXY tcp4 1.1.1.1 1.1.1.1 1 1\r\n"] = "unknown family in the PROXY line",
  ["PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n"] = BAD_PORT,
  ["PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n"] = BAD_PORT,
  ["PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n"] = BAD_PORT,
  ["PROXY TCP4 1.1.1.1 1.1.1.1 1 x\r\n"] = BAD_PORT,
  ["PROXY TCP4 ::1 1.1.1.1 1 1\r\n"] = BAD_ADDRESS,
  ["PROXY TCP6 1.1.1.1 ::1 1 1\r\n"] = BAD_ADDRESS,
  ["PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n"] = BAD_ADDRESS,
  ["PROXY TCP4 localhost 1.1.1.1 1 1\r\n"] = BAD_ADDRESS,
  ["PROXY TCP4 1.1.1.1\0 1.1.1.1 1 1\r\n"] = BAD_ADDRESS,
  ["PROXY UNKNOWN\n"] = "the PROXY line does not end with CRLF",
  ["PROXY UNKNOWN " .. ("f"):rep(V1_MAX - 14)] = "the PROXY line is too long",
  [v2(0x11, 0x11, V4)] = "unknown version or command in the PROXY header",
  [v2(0x22, 0x11, V4)] = "unknown version or command in the PROXY header",
  [v2(0x21, 0x12, V4)] = "unknown protocol in the PROXY header",
  [v2(0x21, 0x41, V4)] = "unknown protocol in the PROXY header",
  [v2(0x21, 0x11, V4:sub(1, 11))] = "the PROXY header is too short for IPv4",
  [v2(0x21, 0x21, V4)] = "the PROXY header is too short for IPv6",
  [v2(0x21, 0x31, V6)] = "the PROXY header is too short for unix addresses",
  [v2(0x21, 0x11, "", V2_MAX - 15)] = "the PROXY header is too long",
  [v2(0x20, 0x00, "", 65535)] = "the PROXY header is too long",
}

describe("a PROXY header", function()
  it("that is good tells the client's address and its own length", function()
    for text, expected in pairs(GOOD) do
      local result, source, bytes = parse(text)
      assert.equals(DONE, result, ("%q"):format(text))
      assert.equals(#text, bytes)
      if expected ~= true then assert.equals(expected, source) end
    end
  end)

  it("ends where the next protocol begins", function()
    for text in pairs(GOOD) do
      local result, _, bytes = parse(text .. "GET / HTTP/1.1\r\n\r\n")
      assert.same({ DONE, #text }, { result, bytes })
    end
  end)

  it("that is cut anywhere is not decided yet", function()
    for text in pairs(GOOD) do
      for n = 0, #text - 1 do
        assert.equals(MORE, (parse(text:sub(1, n))), ("%d bytes of %q"):format(n, text))
      end
    end
  end)

  it("that is bad is refused with the reason", function()
    for text, why in pairs(REFUSED) do
      local result, _, _, reason = parse(text)
      assert.same({ BAD, why }, { result, reason }, ("%q"):format(text))
    end
  end)

  it("that is bad is never taken for good when it comes in pieces", function()
    for text, why in pairs(REFUSED) do
      local seen
      for n = 0, #text do
        local result, _, _, reason = parse(text:sub(1, n))
        assert.are_not.equals(DONE, result, ("%d bytes of %q"):format(n, text))
        if seen then assert.equals(BAD, result) end
        seen = seen or reason
      end
      assert.equals(why, seen)
    end
  end)

  it("of any noise behind the signature is decided within bounds", function()
    for command = 0, 255 do
      for _, family in ipairs { 0, 0x11, 0x21, 0x31, 0xff } do
        local result, _, bytes = parse(v2(command, family, ("\255"):rep(V2_MAX)))
        assert.is_true(result == BAD or bytes <= V2_MAX)
      end
    end
  end)
end)

local function peer(ip, port)
  local p = ffi.new "struct bt_peer"
  if not ip then
    p.family = UNIX
    return p
  end
  local a = ffi.new "struct bt_addr"
  assert(base.lib.addr_of_ip(a, base.str(ip), port))
  base.lib.peer_of_addr(p, a)
  return p
end

local function write(version, source, destination, tls)
  local to = ffi.new("char[?]", 2048)
  return ffi.string(to, lib.proxy_header_write(to, version, source, destination, tls))
end

describe("a PROXY header that is written", function()
  local v4, v4_ours = peer("192.0.2.1", 56324), peer("192.0.2.2", 443)
  local v6, v6_ours = peer("2001:db8::1", 56324), peer("::1", 443)

  it("is what the specification shows", function()
    assert.equals("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", write(1, v4, v4_ours))
    assert.equals("PROXY TCP6 2001:db8::1 ::1 56324 443\r\n", write(1, v6, v6_ours))
    assert.equals(v2(0x21, 0x11, V4), write(2, v4, v4_ours))
    assert.equals(v2(0x21, 0x21, V6), write(2, v6, v6_ours))
  end)

  it("has both addresses in one family", function()
    assert.equals("PROXY TCP6 ::ffff:192.0.2.1 ::1 56324 443\r\n", write(1, v4, v6_ours))
    assert.equals("PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 56324 443\r\n", write(1, v6, v4_ours))
    assert.equals(52, #write(2, v4, v6_ours))
  end)

  it("says so when the client has no address", function()
    assert.equals("PROXY UNKNOWN\r\n", write(1, peer(), v4_ours))
    assert.equals(v2(0x21, 0, ""), write(2, peer(), v4_ours))
  end)

  it("has zeros for an address of ours that is none", function()
    assert.equals("PROXY TCP4 192.0.2.1 0.0.0.0 56324 0\r\n", write(1, v4, peer()))
    assert.equals("PROXY TCP6 2001:db8::1 :: 56324 0\r\n", write(1, v6, peer()))
    assert.equals(v2(0x21, 0x11, V4:sub(1, 4) .. ("\0"):rep(4) .. "\220\4\0\0"),
      write(2, v4, peer()))
  end)

  it("is read as it was written, also the longest", function()
    local longest = ("ffff:"):rep(7) .. "ffff"
    for _, version in ipairs { 1, 2 } do
      for source, expected in pairs {
        [v4] = "192.0.2.1 56324", [v6] = "2001:db8::1 56324",
        [peer(longest, 65535)] = longest .. " 65535",
      } do
        for _, destination in ipairs { v6_ours, peer(longest, 65535), peer() } do
          local text = write(version, source, destination)
          assert.is_true(#text <= V1_MAX)
          local result, told, bytes = parse(text)
          assert.same({ DONE, #text }, { result, bytes })
          assert.equals(expected, told)
        end
      end
    end
  end)
end)
