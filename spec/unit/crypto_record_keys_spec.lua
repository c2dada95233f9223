-- Records of TLS 1.3 against those that RFC 8448 §3 has published (a simple 1-RTT handshake).

local probe = require "support.probe"

local ffi = probe.ffi
local lib = probe.load [[
struct rk_piece { const void *p; size_t n; };
struct rk {
  void *cipher; const void *suite; uint64_t sequence; bool seals; uint8_t secret_n;
  uint8_t iv[12], secret[48];
};
const void *record_suite_of(uint16_t number);
bool record_keys_begin(struct rk *k, const void *suite, bool seals);
bool record_keys_update(struct rk *k);
void record_keys_end(struct rk *k);
bool record_keys_are_worn(const struct rk *k);
bool record_seal(struct rk *k, int type, const struct rk_piece *pieces, size_t n, char *to);
bool record_open(struct rk *k, const char *from, size_t n, char *to);
]]

local AES_128, AES_256, CHACHA = 0x1301, 0x1302, 0x1303
local ALERT, DATA = 21, 23

local function bytes(hex)
  return (hex:gsub("%s+", ""):gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
end

local CLIENT = bytes "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"
local SERVER = bytes "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"
local CLIENT_IV = bytes "5b78923dee08579033e523d9"
local SERVER_IV = bytes "cf782b88dd83549aadf1e984"
local CONTENT = bytes [[000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
  202122232425262728292a2b2c2d2e2f3031]]
local CLOSE_NOTIFY = "\1\0"
local CLIENT_DATA = bytes [[1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b98
  19a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4]]
local CLIENT_ALERT = bytes "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"
local SERVER_DATA = bytes [[17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30e
  faf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d]]
local SERVER_ALERT = bytes "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"

-- The server has sent a ticket before: record 0.
local PUBLISHED = {
  { CLIENT, CLIENT_IV, { [0] = { DATA, CONTENT, CLIENT_DATA }, { ALERT, CLOSE_NOTIFY,
    CLIENT_ALERT } } },
  { SERVER, SERVER_IV, { { DATA, CONTENT, SERVER_DATA }, { ALERT, CLOSE_NOTIFY, SERVER_ALERT } } },
}

local all = {}

local function keys(secret, suite, seals, sequence)
  local k = ffi.new "struct rk"
  ffi.copy(k.secret, secret, #secret)
  k.secret_n, k.sequence = #secret, sequence or 0
  local is_made = lib.record_keys_begin(k, lib.record_suite_of(suite), seals)
  table.insert(all, k)
  return is_made and k or nil
end

local function end_all()
  for _, k in ipairs(all) do lib.record_keys_end(k) end
  all = {}
end

-- In one piece, or cut in two.
local function seal(k, type, content, cut)
  local to = ffi.new("char[?]", #content + 22)
  local pieces = ffi.new("struct rk_piece[2]")
  local buffer = ffi.new("char[?]", #content + 1, content)
  cut = cut or #content
  pieces[0].p, pieces[0].n, pieces[1].p, pieces[1].n = buffer, cut, buffer + cut, #content - cut
  return lib.record_seal(k, type, pieces, #content, to) and ffi.string(to, #content + 22) or nil
end

-- → content, type; nil: it is not authentic
local function open(k, record)
  local from = ffi.new("char[?]", #record + 1, record) -- a string has its NUL
  local to = ffi.new("char[?]", #record)
  if not lib.record_open(k, from, #record - 5, to) then return nil end
  local inner = ffi.string(to, #record - 21)
  return inner:sub(1, -2), inner:byte(-1)
end

describe("records of TLS 1.3", function()
  after_each(end_all)

  it("are those that were published, both ways", function()
    for _, side in ipairs(PUBLISHED) do
      local secret, iv, records = unpack(side)
      local out = keys(secret, AES_128, true, records[0] and 0 or 1)
      local into = keys(secret, AES_128, false, records[0] and 0 or 1)
      assert.equal(iv, ffi.string(out.iv, 12))
      for n = records[0] and 0 or 1, #records do
        local type, content, record = unpack(records[n])
        assert.equal(record, seal(out, type, content))
        assert.same({ content, type }, { open(into, record) })
      end
    end
  end)

  it("open only under their number, and unchanged to the last bit", function()
    assert.is_nil((open(keys(CLIENT, AES_128, false, 1), CLIENT_DATA)))
    assert.is_nil((open(keys(SERVER, AES_128, false), CLIENT_DATA)))
    for at = 1, #CLIENT_DATA do
      if at ~= 4 and at ~= 5 then
        local changed = CLIENT_DATA:sub(1, at - 1)
          .. string.char((CLIENT_DATA:byte(at) + 1) % 256) .. CLIENT_DATA:sub(at + 1)
        assert.is_nil((open(keys(CLIENT, AES_128, false), changed)), at)
      end
    end
  end)

  it("come back the same of each suite, length and piece, over new keys", function()
    for suite, n in pairs { [AES_128] = 32, [AES_256] = 48, [CHACHA] = 32 } do
      local secret = ("s"):rep(n)
      local out, into = keys(secret, suite, true), keys(secret, suite, false)
      for _, size in ipairs { 0, 1, 15, 16, 1024, 1025, 5000, 16384 } do
        local content = ("x"):rep(size)
        for _, cut in ipairs { 0, 1, 17, size } do
          local record = seal(out, DATA, content, math.min(cut, size))
          local opened, type = open(into, record)
          assert.is_true(opened == content and type == DATA)
        end
        assert.is_true(lib.record_keys_update(out) and lib.record_keys_update(into))
        assert.equal(0, tonumber(out.sequence))
      end
    end
  end)
end)

describe("the keys of TLS 1.3", function()
  after_each(end_all)

  it("are worn long before 2^24.5 records", function()
    local k = keys(CLIENT, AES_128, true, 2 ^ 24 - 2)
    seal(k, DATA, "x")
    assert.is_false(lib.record_keys_are_worn(k))
    seal(k, DATA, "x")
    assert.is_true(lib.record_keys_are_worn(k))
    assert.is_true(lib.record_keys_update(k))
    assert.is_false(lib.record_keys_are_worn(k))
  end)

  it("are not made of a secret that is missing or of another length", function()
    for suite, n in pairs { [AES_128] = 32, [AES_256] = 48, [CHACHA] = 32 } do
      for _, length in ipairs { 0, 16, 32, 48 } do
        assert.equal(length == n, keys(("s"):rep(length), suite, true) ~= nil)
      end
    end
    assert.is_true(lib.record_suite_of(0x1304) == nil)
  end)

  it("leave nothing behind, and seal and open nothing then", function()
    local k = keys(CLIENT, AES_128, true)
    lib.record_keys_end(k)
    assert.equal(("\0"):rep(ffi.sizeof "struct rk"), ffi.string(k, ffi.sizeof "struct rk"))
    assert.is_nil(seal(k, DATA, "x"))
    assert.is_nil((open(k, CLIENT_DATA)))
    assert.is_false(lib.record_keys_update(k))
  end)
end)
