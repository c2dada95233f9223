-- What the test kit writes again in Lua, as it runs where there is no binary, against the C that it
-- stands in for: the same answers to many made-up inputs.

local http = require "unit.http_probe"
local probe = require "support.probe"
local scope = require "support.scope"
local digest = require "neap.testing.digest"
local message = require "neap.testing.message"
local sha256 = require "neap.testing.sha256"
local plain = require "neap.ffi"

local ffi, str = probe.ffi, http.str
local lib = probe.load [[
double digest_pair(double a, double b);
double digest_bytes(const char *bytes, size_t n, double seed);
double dice_roll(void);
uint64_t dice_state(void);
void sha256_hmac(const void *key, size_t key_n, const void *bytes, size_t n, uint8_t *digest);
struct edits;
int edits_set(struct edits **e, struct str name, struct str value);
int edits_add(struct edits **e, struct str name, struct str value);
int edits_find(const struct edits *e, struct str name, struct str *value);
bool edits_replaces(const void *edits, struct str name);
void edits_write(const struct edits *e, struct out *o);
void edits_free(struct edits *e);
]]

local roll = digest.dice(20240229) -- the same inputs each time

local function below(n) return math.floor(roll() * n) end
local function one_of(list) return list[1 + below(#list)] end

local function bytes(n)
  local list = {}
  for i = 1, n do list[i] = string.char(below(256)) end
  return table.concat(list)
end

local function words(text)
  local list = {}
  for word in text:gmatch "%S+" do table.insert(list, word) end
  return list
end

-- Names with a chance of being the same, and such as are none.
local NAMES = words [[X-A x-a X-B Cookie cookie Accept Via via X-Forwarded-New x-forwarded_new
  X_Forwarded_ X-Forwarded my_own X-A_b a:b é "a"]]
table.insert(NAMES, "")
table.insert(NAMES, "a b")
table.insert(NAMES, "X-" .. ("y"):rep(60))

-- The known ones, and those that some would take for them.
local KNOWN = {}
for id in scope.read "src/http/msg.h":gmatch "\tFIELD_([%u%d_]+)," do
  table.insert(KNOWN, id)
  table.insert(KNOWN, (id:gsub("_", "-")))
  table.insert(KNOWN, (id:lower():gsub("_", "-", 1)))
end

local function name()
  local choice = below(40)
  if choice == 0 then return "x" .. bytes(1) end
  return one_of(choice < 15 and KNOWN or NAMES)
end

local function value()
  local choice = below(12)
  if choice == 0 then return " \t" .. ("v"):rep(below(3)) .. "\t " end
  if choice == 1 then return bytes(below(6)) end
  if choice == 2 then return ("long "):rep(below(600)) end
  return "v" .. below(100)
end

local FIELDS = {
  { "Host", "a.example" }, { "X-A", "1" }, { "x-b", "2" }, { "Cookie", "c=1" }, { "X-A", "3" },
  { "Accept", "*/*" }, { "x-real-ip", "192.0.2.1" }, { "Via", "1.1 x" },
}

local function lines_of(fields)
  local lines = {}
  for i, field in ipairs(fields) do lines[i] = field[1] .. ": " .. field[2] .. "\r\n" end
  return table.concat(lines)
end

-- The kit's side: one request with FIELDS, whose headers are changed.
local function kit_message()
  local kept
  local record = { fields = FIELDS }
  local C = message.new(function(text)
    kept = text
    return 1
  end, { [1] = record }, function() return record end)
  local request = plain.new "neap_request"
  request.id = 1
  local kit = {}
  function kit.change(how, key, text)
    if how == "add" then return C.neap_response_add_header(nil, key, #key, text, #text) end
    return C.neap_request_set_header(request, key, #key, text, text and #text or 0)
  end
  function kit.header(key)
    return C.neap_request_header(request, key, #key) == 1 and kept or nil
  end
  function kit.out() return lines_of(message.fields_out(record)) end
  return kit
end

local HEAD = "GET / HTTP/1.1\r\n" .. lines_of(FIELDS) .. "\r\n"

-- C's side.
local function c_message()
  local _, head = http.parse(HEAD)
  local edits = ffi.new "struct edits *[1]"
  local memory, out = ffi.new "char[65536]", ffi.new "struct out"
  local c = {}
  function c.change(how, key, text)
    local change = how == "add" and lib.edits_add or lib.edits_set
    return change(edits, str(key), text and str(text) or ffi.new "struct str")
  end
  -- true and what a change says of that name, nil: it is taken out; false: nothing.
  function c.edited(key)
    local found = ffi.new "struct str"
    local result = lib.edits_find(edits[0], str(key), found)
    if result == 0 then return false end
    return true, result > 0 and http.text(found) or nil
  end
  function c.out()
    lib.out_init(out, memory, 65536)
    lib.h1_write_fields(out, head.h, head.base, 0, lib.edits_replaces, edits[0])
    lib.edits_write(edits[0], out)
    return ffi.string(out.p, out.n)
  end
  function c.free() lib.edits_free(edits[0]) end
  return c
end

describe("the test kit does as C does", function()
  it("when headers are changed", function()
    for _ = 1, 300 do
      local kit, c, done = kit_message(), c_message(), {}
      for _ = 1, 1 + below(90) do
        local how, key, text = one_of { "set", "add", "set", "remove" }, name(), value()
        if how == "remove" then text = nil end
        table.insert(done, ("%s %q %q"):format(how, key, text or ""))
        assert.equal(c.change(how, key, text), kit.change(how, key, text), done[#done])
        local is_edited, now = c.edited(key)
        if is_edited then assert.equal(now, kit.header(key), done[#done]) end
      end
      assert.equal(c.out(), kit.out(), table.concat(done, "\n"))
      c.free()
    end
  end)

  it("when texts are hashed", function()
    for _ = 1, 3000 do
      local text = bytes(below(40))
      local seed = one_of { 0, 1, 7, below(2 ^ 32), 4294967295 }
      assert.equal(lib.digest_bytes(text, #text, seed), digest.hash(text, seed))
      local a, b = below(2 ^ 32), below(2 ^ 32)
      assert.equal(lib.digest_pair(a, b), digest.pair(a, b))
    end
  end)

  it("when texts are signed", function()
    local out = ffi.new "uint8_t[32]"
    for length = 0, 300 do
      local key, text = bytes(below(200)), bytes(length)
      lib.sha256_hmac(key, #key, text, #text, out)
      assert.equal(sha256.hex(ffi.string(out, 32)), sha256.hmac(key, text))
    end
  end)

  it("when dice are rolled", function()
    local next_roll, state = digest.dice(1)
    state[0] = lib.dice_state()
    for _ = 1, 1000 do assert.equal(lib.dice_roll(), next_roll()) end
  end)

  it("when a path is set", function()
    local request, paths = plain.new "neap_request", { "/", "*", "", "/a?b?c", "/%41%zz", "/a?%zz" }
    request.id = 1
    local set_path = message.new(nil, { [1] = {} }, nil).neap_request_set_path
    for _ = 1, 3000 do
      local parts = {}
      for i = 1, below(6) do
        parts[i] = one_of { "a", "/", "%4f", "%", "%z", "?", "&x=1", "#", ";", "\\", bytes(1) }
      end
      table.insert(paths, (below(9) > 0 and "/" or "") .. table.concat(parts))
    end
    for _, path in ipairs(paths) do
      local code = set_path(request, path, #path)
      assert.equal(lib.h1_is_target(str(path)), code == 0, ("%q"):format(path))
    end
  end)
end)
