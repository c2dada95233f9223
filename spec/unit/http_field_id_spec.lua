-- Known names, and the scanner of values against its plain twin.
local http = require "unit.http_probe"

local ffi, lib, str = http.ffi, http.lib, http.str

-- FIELD_X_REAL_IP → "X-Real-Ip", for every id of the header.
local function known_names()
  local names = {}
  for line in io.lines "src/http/msg.h" do
    local name = line:match "^\tFIELD_([%u%d_]+),"
    if name and name ~= "OTHER" then
      names[name] = name:lower():gsub("_", "-"):gsub("%f[%l]%l", string.upper)
    end
  end
  return names
end

local function id_of(name)
  return tonumber(lib.field_id_of(str(name)))
end

describe("field names", function()
  it("are known in any case", function()
    local count = 0
    for id, name in pairs(known_names()) do
      count = count + 1
      for _, spelt in ipairs { name, name:lower(), name:upper() } do
        assert.equals(tonumber(lib["FIELD_" .. id]), id_of(spelt), spelt)
      end
    end
    assert.equals(tonumber(lib.FIELD_IDS) - 1, count)
  end)

  it("are not mistaken", function()
    local names = known_names()
    for _, name in pairs(names) do
      for at = 1, #name do
        for _, c in ipairs { "_", "z", "0", "~", "^" } do
          local other = name:sub(1, at - 1) .. c .. name:sub(at + 1)
          if other:lower() ~= name:lower() then assert.equals(0, id_of(other), other) end
        end
      end
      assert.equals(0, id_of(name .. "x"))
      assert.is_true(id_of(name:sub(2)) == 0 or #name < 12)
    end
    for _, name in ipairs { "", "a", "T", "Accept", "User-Agent", "Hos", "X-Forwarded-Hosts",
      "-" } do
      assert.equals(0, id_of(name))
    end
  end)

  it("are found in a head, by id and by name", function()
    local _, head = http.parse(http.request "X-A: 1\r\nCookie: c\r\nx-a: 2\r\nCookie: d\r\n")
    local function value(field)
      return field ~= nil and ffi.string(head.base + field.value, field.value_n)
    end
    assert.equals("c", value(lib.http_find(head.h, lib.FIELD_COOKIE)))
    assert.equals("1", value(lib.http_find_name(head.h, head.base, str "x-A")))
    assert.is_false(value(lib.http_find(head.h, lib.FIELD_VIA)))
    assert.is_false(value(lib.http_find_name(head.h, head.base, str "x-aa")))
  end)

  it("of idempotent methods are those of RFC 9110", function()
    local idempotent = { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true,
      DELETE = true }
    for _, method in ipairs { "OTHER", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE",
      "CONNECT", "PATCH" } do
      assert.equals(idempotent[method] == true, lib.http_is_idempotent(lib["METHOD_" .. method]))
    end
  end)

  it("leave values to a scanner that agrees with its plain twin", function()
    local memory = ffi.new("uint8_t[80]")
    local text = ffi.cast("const char *", memory)
    for byte = 0, 255 do
      for at = 0, 40 do
        ffi.fill(memory, 80, ("x"):byte())
        memory[at] = byte
        for n = 0, 48, 3 do
          local plain = lib.scan_value_bytes_plain(text, n)
          assert(lib.scan_value_bytes(text, n) == plain, byte .. " at " .. at)
          local stops = at < n and byte ~= 9 and (byte < 32 or byte == 127)
          assert(plain == (stops and at or n), byte .. " at " .. at)
        end
      end
    end
  end)
end)
