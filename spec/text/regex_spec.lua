-- Regular expressions, and that no pattern and no text can stop a worker.

local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"
local testing = require "neap.testing"

describe("neap.regex", function()
  local regex = testing.balancer { backends = 1 }.neap.regex

  local function new(...) return assert(regex.new(...)) end

  it("finds and gives groups", function()
    local r = new [[^/api/v(\d+)/users/(?<id>[0-9a-f-]+)(/x)?$]]
    local found = r:match "/api/v12/users/ab-1"
    assert.same({ [0] = "/api/v12/users/ab-1", "12", "ab-1", false, id = "ab-1" }, found)
    assert.is_nil((r:match "/api/v/users/ab"))
    assert.same({ 3, 4 }, { new "b+":find "aabba" })
    assert.same({ 6, 6 }, { new("b"):find("aabbab", 5) })
    assert.same({ 1, 0 }, { new "x*":find "" })
    assert.is_nil((new("^b"):find("abb", 2)))
  end)

  it("has flags", function()
    assert.is_table(new("ABC", "i"):match "abc")
    assert.is_table(new("^b", "m"):match "a\nb")
    assert.is_nil((new("a.b"):match "a\nb"))
    assert.is_table(new("a.b", "s"):match "a\nb")
    assert.is_table(new("a b # ab", "x"):match "ab")
    assert.equal("\195\188", new(".", "u"):match("\195\188")[0])
    assert.equal("\195", new("."):match("\195\188")[0])
    assert.is_table(new("evil", "u"):match "\255\255evil\255")
  end)

  it("replaces", function()
    assert.same({ "<a><b>", 2 }, { new "[a-z]":gsub("ab", "<$0>") })
    assert.same({ "2-1", 1 }, { new("(?<x>\\d)(\\d)"):gsub("12", "$2-${x}") })
    assert.same({ "-a-b-", 3 }, { new "x*":gsub("ab", "-") })
    assert.same({ "-\195\188-", 2 }, { new("x*", "u"):gsub("\195\188", "-") })
    assert.same({ "Xaa", 1 }, { new "a":gsub("aaa", "X", 1) })
    assert.same({ "$", 1 }, { new "a":gsub("a", "$$") })
    assert.same({ "1b", 1 }, { new "a|b":gsub("ab", function(found)
      if found[0] == "a" then return 1 end
    end, 1) })
  end)

  it("gives the same one for the same pattern", function()
    assert.equal(new("same", "i"), new("same", "i"))
    assert.not_equal(new("same", "i"), new "same")
  end)

  it("says what is wrong with a pattern", function()
    for pattern, what in pairs { ["a(b"] = "missing closing parenthesis, at 4", ["[a"] = "missing",
      ["*"] = "quantifier", ["\\C"] = "disabled", ["(*UTF)a"] = "disabled",
      [("a"):rep(16385)] = "16384", [("()"):rep(100)] = "99 groups" } do
      local r, why = regex.new(pattern)
      assert.is_nil(r)
      assert.matches("^neap.regex: ", why)
      assert.is_truthy(why:find(what, 1, true), why)
    end
    for _ = 1, 3000 do regex.new(tostring(math.random())) end
    collectgarbage()
    collectgarbage()
    assert.is_table(new "again")
  end)

  it("ends what takes too long, whatever the pattern and the text", function()
    local patterns = { "(a+)+$", "(?:a|aa)+$", "(a|a)*$", "\\w*\\w*[!;]",
      "\\w*\\w*\\w*[!;]",
      "(?:[a-z]*;)?[0-9]", "(.*)(.*)(.*)(.*)[0-9]", "(?=(a+))*\\1b?[0-9]", "^(?:(a)|a)*?[0-9]$" }
    local begun, ended = os.clock(), 0
    for _, pattern in ipairs(patterns) do
      for _, n in ipairs { 30, 2000, 20000, 262143 } do
        local text = ("a"):rep(n) .. "?"
        local first, why = new(pattern):find(text)
        assert.is_nil(first)
        assert.is_true(why == nil or why == "neap.regex: the match took too long")
        if why then ended = ended + 1 end
        new(pattern):gsub(text, "x")
      end
    end
    assert.is_true(ended > 10)
    assert.is_true(os.clock() - begun < 72 * 0.5)
    assert.matches("more than 262144 bytes", select(2, new("a"):find(("a"):rep(262145))))
  end)

  it("finds in long texts what it finds in short ones", function()
    local r = new "needle=(\\w+)"
    for _, n in ipairs { 0, 2000, 2100, 250000 } do
      assert.equal("x1", r:match(("hay "):rep(n / 4) .. "needle=x1")[1])
    end
    local text, count = new "\\d":gsub(("a1"):rep(1000), "")
    assert.same({ ("a"):rep(1000), 1000 }, { text, count })
  end)

  it("raises a caller's mistakes", function()
    local r = new "(a)"
    for _, wrong in ipairs { function() regex.new(1) end, function() regex.new("a", "q") end,
      function() r:match(1) end, function() r.match "a" end, function() r:gsub("a", 5) end,
      function() r:gsub("a", "$2") end, function() r:gsub("a", "$x") end } do
      assert.matches("regex_spec.lua:%d+: ", select(2, pcall(wrong)))
    end
  end)

  it("does the same in a worker, and is not ended by the fuse", function()
    local n = neap.start {
      config = neap.config({ origin.start() }, 'policy = "policy.lua", health = { type = "none" }'),
      files = { ["policy.lua"] = [==[
        local neap = require "neap"
        local user = assert(neap.regex.new "^/u/(?<name>\\w+)$")
        local slow = assert(neap.regex.new "(a+)+$")
        return { request = function(r)
          local found, why = user:match(r.path), select(2, slow:find(("a"):rep(3000) .. "?"))
          return neap.reply { body = tostring(found and found.name) .. " " .. tostring(why) .. " "
            .. tostring((pcall(user.find, { handle = 1 }, "a"))) }
        end }]==] },
    }
    local body = client.get(n.address, "/u/me").body
    assert.matches("^me neap.regex: the match took too long false$", body)
  end)
end)
