local behind = require "support.behind"
local h2_client = require "support.h2_client"
local proxied = require "support.proxied"

local LARGE = { { "MAX_FRAME_SIZE", 4194303 }, { "INITIAL_WINDOW_SIZE", 4194303 } }
local BODY = proxied.pattern(1400000)

describe("peers that take large frames", function()
  it("get a large upload whole", function()
    local n, web = behind.start { settings = LARGE }
    local c = h2_client.connect(n.address)
    local id = c:request({ [":method"] = "POST" }, { body = BODY })
    assert.equal(200, c:answer(id).status)
    assert.equal(#BODY, behind.stream(web).length)
  end)

  it("get a large answer whole", function()
    local n = behind.start(function() return BODY end)
    local c = h2_client.connect(n.address, { settings = LARGE })
    assert.is_true(c:get("/").body == BODY)
  end)
end)
