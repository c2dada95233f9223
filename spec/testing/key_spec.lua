-- The hook `key` in the test kit, and ready keys there.

local testing = require "neap.testing"

local function keyed(key)
  return testing.pool({ "a", "b" }, { mode = "udp", policy = { key = key } })
end

local QUESTION = "\18\52\1\0\0\1\0\0\0\0\0\0\3WWW\7example\3org\0\0\1\0\1"

describe("the hook key in the test kit", function()
  it("sees the datagram, and gives its key", function()
    local pool = keyed(function(d)
      return ("%s:%d/%s"):format(d.client_ip, d.client_port, d.bytes), "client"
    end)
    local key, whose = pool:key { bytes = "x", client_ip = "192.0.2.7", client_port = 9 }
    assert.equal("192.0.2.7:9/x", key)
    assert.equal("client", whose)
  end)

  it("is nil without the hook, and where the hook gives none", function()
    assert.is_nil(testing.pool({ "a" }, { mode = "udp" }):key { bytes = "x" })
    assert.is_nil(keyed(function() end):key { bytes = "x" })
  end)

  it("says what is wrong", function()
    assert.has_error(function() keyed(function() return 1 end):key {} end,
      "hook key: key returned a number (expected a text of 1 to 255 bytes, or nil)")
    assert.has_error(function() keyed(function() return "k" end):key { size = 1 } end,
      "a datagram has no 'size'")
  end)

  it("is request.key for pick", function()
    local seen
    local pool = testing.pool({ "a", "b" }, { mode = "udp", policy = {
      pick = function(request, all)
        seen = request.key
        return all[1]
      end } })
    pool:pick { key = "k1" }
    assert.equal("k1", seen)
  end)

  local neap = require "neap"

  it("has the ready keys", function()
    local key, whose = keyed(neap.key.dns()):key { bytes = QUESTION }
    assert.equal("www.example.org", key)
    assert.equal("client", whose)
    local sip = "ACK sip:b@h SIP/2.0\r\nVia: x\r\nCALL-ID:  a84b@pc33 \r\n\r\nCall-ID: no"
    assert.equal("a84b@pc33", keyed(neap.key.sip()):key { bytes = sip })
    key, whose = keyed(neap.key.sip { of = "client" }):key { bytes = "X\ni: 7\n" }
    assert.equal("7", key)
    assert.equal("client", whose)
    local quic = keyed(neap.key.quic { length = 4 })
    assert.equal("ABCDEFGH", quic:key { bytes = "\195\0\0\0\1\8ABCDEFGH\0rest" })
    assert.equal("WXYZ", quic:key { bytes = "\64WXYZrest" })
    assert.is_nil(quic:key { bytes = "\64WXY" })
  end)

  it("finds no key in what is cut, empty or wrong", function()
    local dns, sip, quic = keyed(neap.key.dns()), keyed(neap.key.sip()), keyed(neap.key.quic())
    for n = 0, #QUESTION - 5 do assert.is_nil(dns:key { bytes = QUESTION:sub(1, n) }) end
    assert.is_nil(dns:key { bytes = QUESTION:sub(1, 2) .. "\129" .. QUESTION:sub(4) })
    assert.is_nil(dns:key { bytes = QUESTION:sub(1, 12) .. "\192\12\0\1\0\1" })
    for _, bytes in ipairs { "", "\r\n\r\n", "X\r\n\r\nCall-ID: 7\r\n", "X\r\nCall-ID:\r\n\r\n",
      "X\r\nCall-ID: " .. ("7"):rep(256) } do
      assert.is_nil(sip:key { bytes = bytes })
    end
    for _, bytes in ipairs { "", "\64abcdefgh", "\192\0\0\0\1", "\192\0\0\0\1\0",
      "\192\0\0\0\1\9abc", "\192\0\0\0\1\21" .. ("a"):rep(30) } do
      assert.is_nil(quic:key { bytes = bytes })
    end
  end)

  it("refuses wrong options", function()
    for text, make in pairs {
      ["neap.key.quic: length is 21 (expected a whole number up to 20)"] =
        function() neap.key.quic { length = 21 } end,
      ["neap.key.quic: unknown option 'lenght'; did you mean 'length'?"] =
        function() neap.key.quic { lenght = 8 } end,
      ['neap.key.sip: of is "all" (expected "client" or "any")'] =
        function() neap.key.sip { of = "all" } end,
    } do
      local ok, why = pcall(make)
      assert.is_false(ok)
      assert.matches(text, tostring(why), 1, true)
    end
  end)
end)
