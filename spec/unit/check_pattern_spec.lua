local pattern = require "neap.check.pattern"
local eventually = require "support.eventually"

describe("patterns of checks", function()
  it("match as Lua's do", function()
    local patterns = {
      "^220 ", "PONG", "^%+PONG\r\n$", "a.*b", "a+b", "a-b$", "[%d]+%.[%d]+", "[^a-c]x?y*z", "^$",
      "$", "x$", "%$", "%%$", "[]]", "[^]]a", "colou?r", "^a*$", "a%-b", "[%a_]+$", "a$b", ".",
    }
    local letters = { "a", "b", "c", "x", "y", "z", "1", "2", ".", "+PONG", "220 ", "\r\n", "$",
      "]", "-", "%", "color", "_" }
    local dice = 7
    local function throw(sides)
      dice = (dice * 1103515245 + 12345) % 2147483648
      return math.floor(dice / 65536) % sides
    end
    for _, text in ipairs(patterns) do
      local matches = pattern.new(text)
      for _ = 1, 300 do
        local pieces = {}
        for i = 1, throw(8) do pieces[i] = letters[throw(#letters) + 1] end
        local subject = table.concat(pieces)
        assert.equals(subject:find(text) ~= nil, matches(subject),
          ("pattern %q on %q"):format(text, subject))
      end
    end
  end)

  it("take no longer for a hostile text", function()
    local began = eventually.now()
    assert.is_false(pattern.new "a.*a.*a.*a.*b"(("a"):rep(65536)))
    assert.is_true(eventually.now() - began < 5 * eventually.slowness)
  end)

  it("are found in pieces as in the whole, each piece looked at once", function()
    for _, text in ipairs { "^220 %S+ ESMTP", "b.*x$", "a-b", "mail" } do
      local so_far, begun, whole = "", pattern.begin(text)(), pattern.new(text)
      for byte in ("220 mail.test ESMTP\r\n\0abx"):gmatch "." do
        so_far = so_far .. byte
        assert.equals(whole(so_far), begun(byte), ("%q in %q"):format(text, so_far))
      end
    end
    local began, drips = eventually.now(), pattern.begin(("a*"):rep(63) .. "b")()
    for _ = 1, 4096 do assert.is_false(drips "a") end
    assert.is_true(eventually.now() - began < eventually.slowness)
  end)

  it("refuse what needs a memory, and what has no end", function()
    for text, why in pairs {
      ["(a)"] = "no captures", ["%b()"] = "%%b is not available", ["%f[a]"] = "%%f is not",
      ["%1"] = "%%1 is not available", ["[a"] = "has no end", ["a%"] = "behind the last",
      [("a"):rep(65)] = "more than 64 items",
    } do
      local ok, said = pattern.parse(text)
      assert.is_nil(ok, text)
      assert.matches(why, said)
    end
  end)

  it("never errs once it is parsed, whatever it is", function()
    local BITS = { "%", "[", "]", "^", "-", "$", "a", "z", ".", "*", "+", "?", "%d", "%]", "\255" }
    math.randomseed(7)
    for _ = 1, 1000 do
      local bits = {}
      for i = 1, math.random(6) do bits[i] = BITS[math.random(#BITS)] end
      local text = table.concat(bits)
      if pattern.parse(text) then
        local is_made, matches = pcall(pattern.new, text)
        assert.is_true(is_made, text)
        assert.is_true((pcall(matches, "a$z-]")), text)
      end
    end
    assert.is_true(pattern.new "a$z"("a$z"))
  end)
end)
