-- One of a name's addresses swallows packets: the others have their turn in time.
local etc = require "support.etc"
local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"

local HOSTS = "127.0.0.1 localhost\n127.0.0.9 two.test\n127.0.0.1 two.test\n"
local test = etc.is_able and it or pending

describe("an address that swallows packets", function()
  local web

  local function start(more)
    web = origin.start { name = "alive" }
    net.silent("127.0.0.9:" .. web.port)
    return neap.start {
      config = neap.config({ "http://two.test:" .. web.port }, more),
      binary = etc.binary(etc.write { hosts = HOSTS }),
    }
  end

  test("keeps requests from no other, and is not asked first again", function()
    local n = start "health = { type = 'none' }, timeouts = { connect = 3 }"
    assert.equal("alive", n:get("/").body)
    local begun = eventually.now()
    for _ = 1, 5 do assert.equal("alive", n:get("/").body) end
    assert.is_true(eventually.now() - begun < 1 * eventually.slowness)
  end)

  test("leaves the others their share of a short time", function()
    local n = start "health = { type = 'none' }, timeouts = { connect = 0.3 }"
    assert.equal("alive", n:get("/").body)
  end)

  for kind, how in pairs { tcp = "", http = "path = '/ready', " } do
    test("keeps checks over " .. kind .. " from no other", function()
      local health = "health = { type = '%s', %s timeout = 30, interval = 0.3 }"
      local n = start(health:format(kind, how))
      n:wait_log "http://two%.test:%d+ checked ok by healthcheck"
      assert.equal("alive", n:get("/").body)
      assert.equal(0, n:count_log "dead")
    end)
  end

  test("keeps a policy's own connections from no other", function()
    local n = start([[health = { type = "none" }, policy = {
      request = function(request)
        local neap = require "neap"
        local answer, why = neap.http.get("http://two.test:" .. request:header "x-port",
          { timeout = 0.8 })
        return neap.reply { status = 200, body = answer and answer.body or why }
      end }]])
    assert.equal("alive", n:get("/", { ["x-port"] = web.port }).body)
  end)
end)
