local hello = require "support.client_hello"
local probe = require "support.probe"

local ffi = probe.ffi
local lib = probe.load [[
struct ch_progress { uint32_t at, come, needed; };
struct ch_part { uint32_t at, record, n; };
struct ch {
  const char *reason; char sni[254]; struct ch_part alpn; uint16_t legacy_version, version;
  bool has_sni, is_excessive; uint32_t ciphers_n, extensions_n, signatures_n;
  uint16_t ciphers[512], extensions[256], signatures[128];
};
int client_hello_read(struct ch_progress *progress, const char *p, size_t n, struct ch *to);
void client_hello_copy(const struct ch_part *part, const char *p, char *to);
bool ja4_write(char *to, const struct ch *h, const char *p);
bool client_hello_read_message(const char *p, size_t n, struct ch *to);
void *ja4_note_create(const struct ch *h, const char *p);
void ja4_note_write(char *to, const void *note);
void free(void *p);
]]

local MORE, DONE, NOT_TLS, BAD = 0, 1, 2, 3

local function protocols(h, bytes)
  local text = ffi.new("char[?]", h.alpn.n + 1)
  lib.client_hello_copy(h.alpn, bytes, text)
  local rest, list = ffi.string(text, h.alpn.n), {}
  while #rest > 0 do
    local n = rest:byte(1)
    table.insert(list, rest:sub(2, n + 1))
    rest = rest:sub(n + 2)
  end
  return list
end

-- → result, { sni, protocols, ja4 } or the reason; cuts: it has come up to there, then there, …
local function read(bytes, cuts)
  local progress, h = ffi.new "struct ch_progress", ffi.new "struct ch"
  local result
  for _, n in ipairs(cuts or { #bytes }) do
    local part = ffi.new("char[?]", n + 1, bytes:sub(1, n)) -- each time somewhere else
    result = lib.client_hello_read(progress, part, n, h)
    if result ~= MORE then break end
  end
  if result == BAD then return result, ffi.string(h.reason) end
  if result ~= DONE then return result end
  local ja4 = ffi.new "char[37]"
  lib.ja4_write(ja4, h, bytes)
  return result, { sni = ffi.string(h.sni), alpn = protocols(h, bytes), ja4 = ffi.string(ja4) }
end

local function facts(options)
  local result, f = read(hello.of(options))
  assert.equals(DONE, result, f)
  return f
end

local function sni_of(name) return facts({ sni = name }).sni end

-- The example of the specification of JA4, shuffled, with GREASE.
local CHROME = {
  sni = "Example.COM.", alpn = { "h2", "http/1.1" }, versions = { 0x9a9a, 0x0304, 0x0303 },
  ciphers = {
    0x3a3a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
    0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
  },
  signatures = { 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601 },
  more = {
    { 0x1a1a, "" }, { 0x17, "" }, { 0xff01, "\0" }, { 0x0a, "\0\2\0\29" }, { 0x0b, "\1\0" },
    { 0x23, "" }, { 0x05, "\1\0\0\0\0" }, { 0x12, "" }, { 0x33, "" }, { 0x2d, "\1\1" },
    { 0x1b, "\2\0\2" }, { 0x4469, "\0\3\2h2" }, { 0xaaaa, "\0" }, { 0x15, ("\0"):rep(90) },
  },
}

describe("a ClientHello", function()
  it("tells the host, the protocols and the fingerprint of its client", function()
    assert.same({
      sni = "example.com", alpn = { "h2", "http/1.1" },
      ja4 = "t13d1516h2_8daaf6152771_e5627efa2ab1",
    }, facts(CHROME))
  end)

  it("tells the same wherever it is cut into segments and records", function()
    local message = hello.message(CHROME)
    local whole = facts(CHROME)
    for n = 1, #message - 1 do
      local bytes = hello.records(message, { n, 16384 })
      assert.same({ DONE, whole }, { read(bytes, { n, n + 3, n + 7, #bytes }) })
    end
    local bytes, cuts = hello.records(message, { 1 }), {}
    for n = 0, #bytes do
      cuts[n + 1] = n
    end
    assert.same({ DONE, whole }, { read(bytes, cuts) })
  end)

  it("is not decided before its last byte", function()
    local bytes = hello.records(hello.message(CHROME), { 3, 5, 100 })
    for n = 0, #bytes - 1 do
      assert.equals(MORE, (read(bytes:sub(1, n))))
    end
    assert.equals(DONE, (read(bytes .. "\23\3\3\0\1x")))
  end)

  it("may be 64 KiB long, and no longer", function()
    local function padded(n)
      return hello.message { sni = "a.test", more = { { 51, ("k"):rep(n) } } }
    end
    local short = #hello.records(padded(0), { 16384 })
    local room = 65536 - short - 3 * 5
    assert.equals(DONE, (read(hello.records(padded(room), { 16384 }))))
    local too_long = "the ClientHello is longer than 64 KiB"
    assert.same({ BAD, too_long }, { read(hello.records(padded(room + 1), { 16384 })) })
    assert.same({ BAD, too_long }, { read(hello.records(padded(16384), { 1 })) })
    assert.same({ BAD, too_long }, { read(hello.record "\1\2\0\0") })
  end)

  it("names a host, in one form", function()
    assert.equals("a.test", sni_of "A.Test")
    assert.equals("a.test", sni_of "a.test.")
    assert.equals("xn--bcher-kva.example", sni_of "xn--bcher-kva.example")
    assert.equals("localhost", sni_of "localhost")
    assert.equals(253, #sni_of((("a"):rep(62) .. "."):rep(4) .. "b" .. "."))
  end)

  it("names none where the name is no host's", function()
    for _, name in ipairs {
      "127.0.0.1", "::1", "[::1]", "1.2.3.4.", ".", "a..b", ".a", "a b", "a/b", "b\252cher.test",
      "a\0.test", "-a.test", ("a"):rep(64) .. ".test", ("a."):rep(140) .. "b", "1", "",
    } do
      assert.equals("", sni_of(name), ("%q"):format(name))
    end
    assert.equals("", facts({}).sni)
    assert.equals("", facts({ is_old = true }).sni)
  end)

  it("may be of an old client", function()
    assert.same({ sni = "", alpn = {}, ja4 = "t10i010000_ba72b8082249_000000000000" },
      facts { is_old = true, version = 0x0301, ciphers = { 0x002f } })
  end)
end)

local function with(type, bytes) return hello.of { more = { { type, bytes } } } end

describe("what is no ClientHello", function()
  it("is told apart by its first bytes", function()
    for _, bytes in ipairs {
      "GET / HTTP/1.1", "\0", "SSH-2.0", "\22\2\0", "\128\46\1\3\1", "\21\3\1",
    } do
      assert.equals(NOT_TLS, (read(bytes)), ("%q"):format(bytes))
    end
  end)

  it("is refused with the reason", function()
    local sni = "malformed server_name in the ClientHello"
    local alpn = "malformed list of protocols (ALPN) in the ClientHello"
    local record = "invalid length of a record of the ClientHello"
    local interrupts = "a record that is no handshake interrupts the ClientHello"
    local bad = {
      ["\22\3\1\0\0"] = record,
      ["\22\3\1\255\255"] = record,
      [hello.record "\2\0\0\0"] = "the first message of the handshake is no ClientHello",
      [hello.record "\1\0" .. "\21\3\1\0\2\1\0"] = interrupts,
      [hello.record "\1\0\0\1\3"] = "malformed ClientHello",
      [hello.of { session = ("s"):rep(33) }] = "malformed ClientHello",
      [hello.of { ciphers = {} }] = "malformed list of ciphers in the ClientHello",
      [with(0, "")] = sni,
      [with(0, "\0\0")] = sni,
      [with(0, "\0\5\0\0\9a.")] = sni,
      [with(0, "\0\4\0\0\1ab")] = sni,
      [with(0, hello.v16 "\0\0\1a\0\0\1b")] = sni,
      [with(16, "")] = alpn,
      [with(16, hello.v16 "\0")] = alpn,
      [with(16, hello.v16 "\3h2")] = alpn,
      [with(43, "\3\3\4\3")] = "malformed supported_versions in the ClientHello",
      [with(13, "\0\1\4")] = "malformed signature_algorithms in the ClientHello",
      [hello.of { more = { { 16, hello.v16 "\1a" }, { 16, hello.v16 "\1b" } } }] =
        "an extension comes twice in the ClientHello",
      [hello.record(hello.message({ is_old = true }):gsub("^(...).", "%1\81") .. "\0\4\0\1\0\1")] =
        "malformed extensions in the ClientHello",
    }
    for bytes, reason in pairs(bad) do
      assert.same({ BAD, reason }, { read(bytes) }, ("%q"):format(bytes))
    end
  end)

  it("has no fingerprint when it offers more than programs do", function()
    local ciphers = {}
    for i = 1, 513 do
      ciphers[i] = i
    end
    assert.equals("", facts({ ciphers = ciphers }).ja4)
  end)

  it("has the same fingerprint without records around it, and by what is kept of it", function()
    local message, h = hello.message(CHROME), ffi.new "struct ch"
    assert.is_true(lib.client_hello_read_message(message, #message, h))
    local note, ja4 = lib.ja4_note_create(h, message), ffi.new "char[37]"
    lib.ja4_note_write(ja4, note)
    lib.free(note)
    assert.equals(facts(CHROME).ja4, ffi.string(ja4))
    assert.is_false(lib.client_hello_read_message(message, #message - 1, h))
  end)
end)
