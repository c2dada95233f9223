-- What idle clients of HTTP/2 cost in memory: little, soon after their last answer, and nothing
-- when they have left.
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local KIB = 1024
local CLIENTS = 200

-- So many connections, each of which had an answer.
local function open(n)
  local all = {}
  for i = 1, CLIENTS do
    all[i] = h2_client.connect(n.port)
    assert.equal("/x", all[i]:get("/x").body)
  end
  return all
end

local function each(n, before) return (proxied.own(n) - before) / CLIENTS end

describe("An idle connection of HTTP/2", function()
  local n, before, all

  before_each(function()
    n = proxied.start(function(_, request) return request.target end, "workers = 1,")
    h2_client.connect(n.port):get "/warm"
    before = proxied.own(n)
    all = open(n)
  end)

  it("costs few kilobytes", function()
    if eventually.slowness > 1 then return end
    eventually(function() return each(n, before) < 6 * KIB end)
  end)

  it("that is looked after with PING does so again", function()
    if eventually.slowness > 1 then return end
    eventually(function() return each(n, before) < 6 * KIB end)
    for _, c in ipairs(all) do assert.is_true(c:ping()) end
    eventually(function() return each(n, before) < 6 * KIB end)
  end)

  it("is served as before, whenever it asks again", function()
    for _ = 1, 3 do
      if eventually.slowness == 1 then
        eventually(function() return each(n, before) < 8 * KIB end)
      end
      for i, c in ipairs(all) do
        assert.equal("/" .. i, c:get("/" .. i, { ["x-kept-in-the-table"] = "yes" }).body)
      end
    end
  end)

  it("gives its memory back when its client leaves", function()
    if eventually.slowness > 1 then return end
    for _, c in ipairs(all) do c:close() end
    eventually(function() return each(n, before) < 8 * KIB end)
  end)

  it("is told of a reload, and closed", function()
    n:signal "HUP"
    for _, c in ipairs(all) do assert.equal("closed", c:fate()) end
  end)
end)
