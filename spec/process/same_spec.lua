local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"

local function config(text) return ([[
  local neap = require "neap"
  local port = %d
  %s
]]):format(origin.start {}.port, text) end

-- Its worker dies in another second than that in which the config was read.
local function assert_replaces(text)
  local n = neap.start { config = config(text), allow = { "killed by signal 9" } }
  local old, began = n:workers()[1], os.time()
  eventually(function() return os.time() > began + 1 end)
  process.signal(old, "KILL")
  eventually(function()
    local now = n:workers()[1]
    return now and now ~= old
  end)
  assert.equal(200, n:get("/").status)
  assert.equal(0, n:count_log "different settings")
end

local function refusal(text)
  local code, _, stderr = neap.run({ "-c", "config.lua" },
    { files = { ["config.lua"] = config(text) } })
  assert.equal(1, code)
  return stderr
end

describe("a config that depends on the moment", function()
  for what, value in pairs {
    ["os.time"] = "os.time() % 1000 + 1", ["os.date"] = 'tonumber(os.date "%S") + 1',
    ["neap.now"] = "neap.now() % 1000 + 1", ["os.clock"] = "os.clock() + 1",
  } do
    it("says the same to a worker that is started again later: " .. what, function()
      assert_replaces(([[return { listen = "127.0.0.1:0", workers = 1, health = { type = "none" },
        backends = { "http://127.0.0.1:" .. port }, timeouts = { connect = %s } }]]):format(value))
    end)
  end

  it("has the real time in its hooks", function()
    local n = neap.start { config = config [[return { listen = "127.0.0.1:0", workers = 1,
      health = { type = "none" }, backends = { "http://127.0.0.1:" .. port },
      policy = { request = function()
        return neap.reply { status = 200, body = tostring(math.floor(neap.now())) }
      end } }]] }
    local began = os.time()
    eventually(function() return os.time() > began + 1 end)
    assert.is_true(tonumber(n:get("/").body) > began)
  end)

  it("is refused when it depends on addresses in memory", function()
    local why = refusal [[return { listen = "127.0.0.1:0", workers = 8,
      backends = { "http://127.0.0.1:" .. port },
      timeouts = { connect = 1 + tonumber(tostring({}):match "0x(%x+)", 16) % 65536 / 65536 } }]]
    assert.matches("services%[1%]: the config gives different settings each time", why)
  end)
end)
