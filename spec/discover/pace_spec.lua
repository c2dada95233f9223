-- A registry that sends its askers from question to question is not asked as fast as it answers.
local base64 = require "neap.text.base64"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local RANGES = 21

describe("an etcd that has always forgotten what it is asked for", function()
  -- Its times of questions for all keys.
  local function forgetful(web)
    local path = scope.directory() .. "/asked"
    scope.write(path, "")
    local o = origin.start { handler = function(_, request)
      local body = '{"result":{"header":{"revision":"5"},"canceled":true,"compact_revision":"9"}}'
      if request.target:find "range" then
        local file = io.open(path, "a")
        file:write(("%.3f\n"):format(eventually.now()))
        file:close()
        body = ('{"header":{"revision":"5"},"count":"1","kvs":[{"key":"%s","value":"%s"}]}')
          :format(base64.encode "/web/1", base64.encode(web))
      end
      return { status = 200, body = body }
    end }
    return o, function()
      local times = {}
      for time in scope.read(path):gmatch "(%S+)\n" do table.insert(times, tonumber(time)) end
      return times
    end
  end

  local function assert_paced(times_of)
    local times = eventually(function()
      local times = times_of()
      return #times >= RANGES and times
    end, 40)
    assert.is_true(times[RANGES] - times[1] > 1)
  end

  it("is asked ten times a second by a pool that it is the registry of", function()
    local web = origin.start {}
    local o, times_of = forgetful(web.address)
    local n = neap.start { config = neap.config({}, ([[ health = { type = "none" },
      discover = { type = "etcd", endpoints = { %q }, prefix = "/web/" },]]):format(o.url)) }
    assert_paced(times_of)
    assert.equal(200, n:get("/").status)
  end)

  it("is asked ten times a second by those who share changes", function()
    local web = origin.start {}
    local o, times_of = forgetful "no change"
    local n = neap.start { config = neap.config({ web }, ([[ health = { type = "none" },
      admin = { listen = "127.0.0.1:0",
        share = { name = "a", etcd = { endpoints = { %q }, prefix = "/web/" } } },]])
      :format(o.url)) }
    n:allow "shared: "
    assert_paced(times_of)
    assert.equal(200, n:get("/").status)
  end)
end)
