-- Heads written: bounded, and what is copied is copied byte for byte.
local http = require "unit.http_probe"

local ffi, lib, str = http.ffi, http.lib, http.str

local function new_out(cap)
  local memory = ffi.new("char[?]", cap)
  local out = ffi.new "struct out"
  lib.out_init(out, memory, cap)
  return out, memory
end

local function written(out)
  return out.n > 0 and ffi.string(out.p, out.n) or ""
end

-- The field lines of a request that are left.
local function copied(lines, drop, except)
  local _, head = http.parse(http.request(lines))
  local out, memory = new_out(4096)
  lib.h1_write_fields(out, head.h, head.base, drop or 0, except, nil)
  return written(out), memory
end

local function mask(...)
  local bits = 0ULL
  for _, name in ipairs { ... } do bits = bits + 2ULL ^ tonumber(lib["FIELD_" .. name]) end
  return bits
end

describe("a written head", function()
  it("is what was put in", function()
    local out, memory = new_out(100)
    lib.out_u64(out, 200)
    lib.out_u64(out, 0)
    lib.out_u64(out, 18446744073709551615ULL)
    lib.h1_write_field(out, str "A", str "b c")
    assert.equals("200018446744073709551615A: b c\r\n", written(out))
    assert.is_false(out.full)
    assert.is_truthy(memory)
  end)

  it("is bounded, and says when something was left out", function()
    local out, memory = new_out(5)
    lib.out_u64(out, 12345)
    assert.same({ false, "12345" }, { out.full, written(out) })
    lib.out_u64(out, 6)
    assert.is_true(out.full)
    local second, second_memory = new_out(5)
    lib.out_u64(second, 123456)
    lib.out_u64(second, 1)
    assert.same({ true, "" }, { second.full, written(second) })
    assert.is_truthy(memory and second_memory)
  end)

  it("copies fields in order, byte for byte", function()
    local lines = "a:1\r\nB: 2\r\nx-C:  \t3 \t\r\na: 4\r\n"
    assert.equals("Host: a.example\r\n" .. lines, (copied(lines)))
    assert.equals("Host: a.example\r\n", (copied ""))
    assert.equals(lines, (copied(lines, mask "HOST")))
    assert.equals("", (copied("", mask "HOST")))
  end)

  it("leaves out what is dropped, named by Connection, or excepted", function()
    local lines = "A: 1\r\nCookie: c\r\nConnection: x\r\nX: 2\r\n"
      .. "B: 3\r\nTE: y\r\ncookie: d\r\nC: 4\r\n"
    assert.equals("Host: a.example\r\nA: 1\r\nB: 3\r\nC: 4\r\n",
      (copied(lines, mask("COOKIE", "CONNECTION", "TE"))))
    local except = http.judge(function(name) return name == "B" end)
    assert.equals("A: 1\r\nC: 4\r\n", (copied(lines, mask("HOST", "COOKIE", "CONNECTION", "TE"),
      except)))
  end)

  it("copies the fields of a message without any", function()
    local _, head = http.parse("GET / HTTP/1.0\r\n\r\n")
    local out, memory = new_out(10)
    lib.h1_write_fields(out, head.h, head.base, 0, nil, nil)
    assert.equals(0, tonumber(out.n))
    assert.is_truthy(memory)
  end)

  it("does not hand on the fields that end at each hop", function()
    local hop = lib.h1_hop_fields()
    local lines = "A: 1\r\nConnection: close, TE\r\nKeep-Alive: x\r\nProxy-Connection: y\r\n"
      .. "TE: trailers\r\nUpgrade: z\r\nHTTP2-Settings: a\r\nProxy-Authorization: b\r\n"
      .. "Transfer-Encoding: chunked\r\n"
      .. "Proxy-Authenticate: x\r\nProxy-Authentication-Info: y\r\nTrailer: B\r\nCookie: c\r\n"
    assert.equals("Host: a.example\r\nA: 1\r\nTrailer: B\r\nCookie: c\r\n", (copied(lines, hop)))
  end)

  it("knows tokens, values and targets", function()
    local function all(check, texts, want)
      for _, text in ipairs(texts) do assert.equals(want, check(str(text)), ("%q"):format(text)) end
    end
    all(lib.h1_is_token, { "a", "X-Y", "!#$%&'*+-.^_`|~09" }, true)
    all(lib.h1_is_token, { "", "a b", "a:", "a\0", "\195", "a,b", "\r\n" }, false)
    all(lib.h1_is_field_value, { "", "a", " a\tb ", "\255", ("x"):rep(100) }, true)
    all(lib.h1_is_field_value, { "a\r", "\n", "\0", "\127", ("x"):rep(50) .. "\1"
      .. ("x"):rep(50) }, false)
    all(lib.h1_is_target, { "/", "/a?b", "/%20", "/?%", "/?", "//" }, true)
    all(lib.h1_is_target, { "", "a", "*", "/ ", "/a#b", "/%", "/%2", "/a%2?x", "/%zz", "http://a/",
      "/\195",
      "/\r\n", "/a?b c", "/\0" }, false)
  end)
end)
