-- Certificates that policies give as texts: the last ones are kept, the others are read again.
local pki = require "support.pki"
local probe = require "support.probe"

local lib = probe.load [[
  struct str { const char *p; size_t n; };
  struct list { struct list *next, *prev; };
  struct certificate_text { struct str chain, key; const char *chain_where, *key_where; };
  struct certificate_cache { struct list recent; void *buckets[256]; unsigned n; };
  void certificate_cache_init(struct certificate_cache *c);
  void certificate_cache_fini(struct certificate_cache *c);
  int certificate_cache_get(struct certificate_cache *c, const struct certificate_text *text,
                            void **certificate, void *e);
  void *certificate_keep(void *certificate);
  void certificate_drop(void *certificate);
]]
local ffi = probe.ffi

local MOST = 1000

describe("certificates as texts", function()
  local cert, cache
  setup(function() cert = pki.self_signed { names = { "a.test" } } end)
  before_each(function()
    cache = ffi.new "struct certificate_cache"
    lib.certificate_cache_init(cache)
  end)
  after_each(function() lib.certificate_cache_fini(cache) end)

  -- Another text with the same certificate in it.
  local function get(number, key)
    local chain = ("%s\nnumber %d\n"):format(cert.pem, number)
    key = key or cert.key
    local text = ffi.new("struct certificate_text",
      { { chain, #chain }, { key, #key }, nil, nil })
    local one = ffi.new "void *[1]"
    if lib.certificate_cache_get(cache, text, one, nil) ~= 0 then return nil end
    return one[0]
  end

  it("are read once each", function()
    local first, second = get(1), get(2)
    assert.not_equal(first, second)
    assert.equal(first, get(1))
    assert.equal(second, get(2))
    assert.equal(2, cache.n)
  end)

  it("that were not asked for the longest make room for others", function()
    -- Kept, so that no other one gets their place in memory.
    local first, second = lib.certificate_keep(get(1)), lib.certificate_keep(get(2))
    for number = 3, MOST do assert.is_truthy(get(number)) end
    assert.equal(MOST, cache.n)
    assert.equal(first, get(1))
    assert.is_truthy(get(MOST + 1))
    assert.equal(MOST, cache.n)
    assert.equal(first, get(1))
    assert.not_equal(second, get(2))
    assert.equal(MOST, cache.n)
    lib.certificate_drop(first)
    lib.certificate_drop(second)
  end)

  it("that cannot be read take nobody's place", function()
    local first = get(1)
    assert.is_nil(get(2, "no key"))
    assert.equal(1, cache.n)
    assert.equal(first, get(1))
  end)
end)
