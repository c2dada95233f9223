local header = require "support.proxy_header"
local probe = require "support.probe"

local ffi = probe.ffi
local lib = probe.load [[
struct bt_str { const char *p; size_t n; };
struct bt_client_tls {
  bool is_ended, has_certificate, is_verified, is_resumed;
  struct bt_str sni, alpn, ja4, version, cipher, common_name;
};
struct bt_proxy_tlv { struct bt_client_tls tls; char sni[254], alpn[256];
  struct bt_str checksum; };
const char *proxy_tlv_parse(struct bt_proxy_tlv *t, const char *p, size_t n);
size_t proxy_tlv_write(char *to, const struct bt_client_tls *tls);
]]

local FLAGS = { "is_ended", "has_certificate", "is_verified", "is_resumed" }
local TEXTS = { "sni", "alpn", "version", "cipher", "common_name" }

-- → what is said, or nil and what is wrong; the struct
local function parse(bytes)
  local t = ffi.new "struct bt_proxy_tlv"
  local exact = ffi.new("char[?]", math.max(#bytes, 1))
  ffi.copy(exact, bytes, #bytes)
  local why = lib.proxy_tlv_parse(t, exact, #bytes)
  if why ~= nil then return nil, ffi.string(why) end
  local said = {}
  for _, key in ipairs(FLAGS) do
    said[key] = t.tls[key] or nil
  end
  for _, key in ipairs(TEXTS) do
    local text = t.tls[key]
    if text.n > 0 then said[key] = ffi.string(text.p, text.n) end
  end
  return said, t, exact
end

local function write(tls)
  local to = ffi.new "char[2048]"
  return ffi.string(to, lib.proxy_tlv_write(to, tls))
end

local item, ssl = header.item, header.ssl
local ALL = item(header.ALPN, "h2") .. item(4, "xx") .. item(header.AUTHORITY, "App.Example.")
  .. ssl { client = 7, version = "TLSv1.3", cipher = "TLS_AES_128_GCM_SHA256", cn = "ann" }

describe("items of a PROXY header", function()
  it("tell of the client's TLS", function()
    assert.same({
      is_ended = true, has_certificate = true, is_verified = true, sni = "app.example",
      alpn = "\2h2", version = "TLSv1.3", cipher = "TLS_AES_128_GCM_SHA256", common_name = "ann",
    }, (parse(ALL)))
    assert.same({}, (parse ""))
    assert.same({}, (parse(item(0xee, "of others"))))
  end)

  it("say whether there was TLS, a certificate, and a good one", function()
    assert.same({}, (parse(ssl { client = 0 })))
    assert.same({ is_ended = true }, (parse(ssl { verify = 1 })))
    assert.same({ is_ended = true, has_certificate = true },
      (parse(ssl { client = 3, verify = 9 })))
    assert.same({ is_ended = true, has_certificate = true, is_verified = true, is_resumed = true },
      (parse(ssl { client = 5 })))
  end)

  it("name no host by what is none", function()
    for _, name in ipairs { "192.0.2.1", "", "a b", ("a"):rep(300), "a\0b" } do
      assert.same({}, (parse(item(header.AUTHORITY, name))))
    end
  end)

  it("that are malformed are refused with the reason", function()
    local malformed = "malformed item (TLV) in the PROXY header"
    local twice = "an item (TLV) comes twice in the PROXY header"
    for bytes, reason in pairs {
      ["\1"] = malformed,
      ["\1\0"] = malformed,
      ["\4\0\1"] = malformed,
      ["\4\255\255x"] = malformed,
      [item(header.ALPN, "")] = malformed,
      [item(header.ALPN, ("a"):rep(256))] = malformed,
      [item(header.SSL, "\1\0\0\0")] = malformed,
      [ssl { more = "\33" }] = malformed,
      [ssl { more = "\33\0\9TLSv1" }] = malformed,
      [item(header.ALPN, "h2") .. item(header.ALPN, "h2")] = twice,
      [item(header.AUTHORITY, "") .. item(header.AUTHORITY, "a")] = twice,
      [ssl {} .. ssl {}] = twice,
      [ssl { cn = "a", more = item(header.CN, "b") }] = twice,
    } do
      assert.same({ nil, reason }, { parse(bytes) }, ("%q"):format(bytes))
    end
  end)

  it("that are cut off anywhere are never read past their end", function()
    for n = 0, #ALL - 1 do
      local said, why = parse(ALL:sub(1, n))
      assert.is_true(said ~= nil or why:find "malformed" ~= nil)
    end
  end)

  it("are written as they were read", function()
    local said, t, bytes = parse(ALL)
    local written = write(t.tls)
    assert.is_truthy(bytes)
    assert.same(said, (parse(written)))
    assert.same({ header.ALPN, header.AUTHORITY, header.SSL }, header.items(written).order)
  end)

  it("leave out what is not known, or not sure", function()
    local tls = ffi.new "struct bt_client_tls"
    assert.equals("", write(tls))
    tls.is_ended, tls.has_certificate = true, true
    tls.common_name = { "ann", 3 }
    assert.equals("\32\0\5\7\0\0\0\1", write(tls))
    local offered = ffi.new "struct bt_client_tls"
    offered.alpn = { "\2h2\8http/1.1", 12 }
    assert.equals("", write(offered))
  end)
end)
