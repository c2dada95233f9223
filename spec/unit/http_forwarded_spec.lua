-- X-Forwarded-* and Forwarded: nobody is believed without trust.
local http = require "unit.http_probe"

local ffi, lib, str = http.ffi, http.lib, http.str

local claims = "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nX-Forwarded-Proto: gopher\r\n"
  .. "X-Forwarded-Host: evil\r\nX-Forwarded-Port: 99\r\nX-Real-IP: 3.3.3.3\r\n"
  .. "Forwarded: for=4.4.4.4\r\nx-forwarded-for: 5.5.5.5\r\n"

local rest = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example:8443\r\n"

local function write(lines, options)
  local _, head = http.parse(http.request(lines))
  local memory = ffi.new "char[4096]"
  local out = ffi.new "struct out"
  lib.out_init(out, memory, 4096)
  local texts = { options.ip or "9.9.9.9", options.proto or "https",
    options.host or "a.example:8443" }
  local f = ffi.new("struct forwarded", {
    trusted = options.trusted or false, peer_ip = str(texts[1]), proto = str(texts[2]),
    host = str(texts[3]), skip = options.skip or 0,
  })
  lib.forwarded_write(out, f, head.h, head.base)
  assert.is_false(out.full)
  return ffi.string(out.p, out.n)
end

-- The client that the chain names when these are trusted.
local function client(lines, trusted)
  local _, head = http.parse(http.request(lines))
  local trusts = http.judge(function(ip) return trusted[ip] == true end)
  return http.text(lib.forwarded_client(head.h, head.base, trusts, nil))
end

describe("forwarding fields", function()
  it("say who the client was", function()
    assert.equals("X-Forwarded-For: 9.9.9.9\r\n" .. rest,
      write("", {}))
    assert.equals("X-Forwarded-For: ::1\r\nX-Forwarded-Proto: http\r\n", write("", { ip = "::1",
      proto = "http", host = "" }))
  end)

  it("do not repeat an untrusted peer's claims", function()
    assert.equals(write("", {}), write(claims, {}))
    assert.equals("X-Forwarded-For: unknown\r\n" .. rest,
      write(claims, { ip = "" }))
    local _, head = http.parse(http.request(claims))
    local memory, out = ffi.new "char[4096]", ffi.new "struct out"
    lib.out_init(out, memory, 4096)
    lib.h1_write_fields(out, head.h, head.base, lib.forwarded_fields(), nil, nil)
    assert.equals("Host: a.example\r\n", ffi.string(out.p, out.n))
  end)

  it("carry on what a trusted peer said", function()
    assert.equals("X-Forwarded-For: 1.1.1.1, 2.2.2.2, 5.5.5.5, 9.9.9.9\r\n"
      .. "X-Forwarded-Proto: gopher\r\n"
      .. "X-Forwarded-Host: evil\r\nX-Forwarded-Port: 99\r\nX-Real-IP: 3.3.3.3\r\n"
      .. "Forwarded: for=4.4.4.4, for=9.9.9.9;proto=https;host=\"a.example:8443\"\r\n",
      write(claims, { trusted = true }))
    assert.equals("X-Forwarded-For: 1.1.1.1, 2.2.2.2, 5.5.5.5\r\n",
      write(claims, { trusted = true, ip = "" }):match "^[^\n]*\n")
    assert.equals(write("", {}), write("", { trusted = true }))
    assert.equals("X-Forwarded-For: 9.9.9.9\r\n",
      write("X-Forwarded-For:\r\n", { trusted = true }):match "^[^\n]*\n")
  end)

  it("write Forwarded by its grammar", function()
    local function forwarded(options)
      options.trusted = true
      return write("Forwarded: for=a\r\n", options):match "Forwarded: for=a, (.-)\r\n"
    end
    assert.equals("for=\"[::1]\";proto=http;host=a", forwarded { ip = "::1", proto = "http",
      host = "a" })
    assert.equals("for=unknown;proto=https", forwarded { ip = "", host = "" })
    assert.equals("for=9.9.9.9;proto=https;host=\"[::1]\"", forwarded { host = "[::1]" })
  end)

  it("leave out those that a script wrote itself", function()
    local all = lib.forwarded_fields()
    assert.equals("", write(claims, { trusted = true, skip = all }))
    assert.equals("", write("", { skip = all }))
    local skip = 2ULL ^ tonumber(lib.FIELD_X_FORWARDED_FOR)
    assert.equals("X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example:8443\r\n", write("",
      { skip = skip }))
  end)

  it("name the client behind trusted peers", function()
    local trusted = { ["10.0.0.1"] = true, ["10.0.0.2"] = true, ["::1"] = true }
    local function chain(...)
      local lines = {}
      for _, value in ipairs { ... } do table.insert(lines, "X-Forwarded-For: " .. value
        .. "\r\n") end
      return client(table.concat(lines), trusted)
    end
    assert.equals("", chain())
    assert.equals("2.2.2.2", chain "1.1.1.1, 2.2.2.2")
    assert.equals("2.2.2.2", chain "1.1.1.1, 2.2.2.2, 10.0.0.1,10.0.0.2")
    assert.equals("2.2.2.2", chain("1.1.1.1, 2.2.2.2", "10.0.0.1"))
    assert.equals("10.0.0.2", chain("10.0.0.2", "10.0.0.1"))
    assert.equals("2.2.2.2", chain "2.2.2.2:4711, [::1]:80")
    assert.equals("2001:db8::1", chain "[2001:db8::1], ::1")
    assert.equals("2.2.2.2", chain ", 2.2.2.2,, 10.0.0.1 ,")
    for _, nonsense in ipairs { "unknown", "1.1.1.1, bogus, 10.0.0.1", "1.2.3", "[::1", "a:b:c",
      "_x",
      ("1"):rep(100), "1.1.1.1 2.2.2.2" } do
      assert.equals("", chain(nonsense))
    end
  end)
end)
