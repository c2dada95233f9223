local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local function assert_plain(text)
  for _, bad in ipairs { "[%z\1-\9\11-\31\127]", "\194[\128-\159]", "\226\128[\170-\174]" } do
    assert.is_nil(text:find(bad), bad)
  end
end

-- A byte of a client's header gets into the error of a hook, as Latin-1 and as UTF-8.
local ERRS = [[explain = { sample = 1 }, policy = { pick = function(request)
  error("bad " .. (request:header "x-a" or ""))
end }]]

describe("what neap prints of others", function()
  it("has no control characters of C1", function()
    local n = admin.start({ origin.start {} }, 'name = "web", ' .. ERRS)
    n:allow "bad"
    for _, bytes in ipairs { "\155[31m\157 0;title\156", "\194\155[31m\226\128\174" } do
      client.request(n.address, ("GET / HTTP/1.1\r\nHost: a\r\nX-A: %s\r\n\r\n"):format(bytes))
    end
    for _, words in ipairs { { "explain" }, { "explain", "--json" }, { "status" },
      { "status", "--json" } } do
      table.insert(words, "--admin")
      table.insert(words, n.admin)
      local _, out = neap.run(words)
      assert_plain(out)
      if words[1] == "explain" then assert.matches("bad", out) end
    end
    local _, _, why = neap.run { "explain", "--pool", "\194\155no", "--admin", n.admin }
    assert_plain(why)
  end)

  it("is JSON, whatever backends are called", function()
    local n = admin.start({ origin.start {} }, [[name = "web", explain = { sample = 1 },
      policy = { discover = function() return {
        { url = "http://127.0.0.1:1", name = 'a"b\\', weight = 0 },
        { url = "http://127.0.0.1:2", name = "c" },
      } end, pick = function() return nil, "nobody" end }]])
    n:allow "."
    assert.equal(503, n:get("/").status)
    local story = eventually(function() return admin.get(n, "/explain").value.stories[1] end)
    local found
    for _, step in ipairs(story.steps) do
      for name in pairs(step.not_eligible or {}) do found = found or name end
    end
    assert.equal('a"b\\', found)
  end)
end)
