local client = require "support.client"
local origin = require "support.origin"
local proxied = require "support.proxied"
local scope = require "support.scope"

local function address(kind)
  return kind == "unix" and "unix:" .. scope.directory() .. "/socket" or kind
end

describe("addresses", function()
  for _, front in ipairs { "127.0.0.1:0", "[::1]:0", "unix" } do
    for _, back in ipairs { "127.0.0.1:0", "[::1]:0", "unix" } do
      it(("%s in front of %s"):format(front, back), function()
        local web = origin.start { address = address(back), handler = function(conn)
          return conn:read_body()
        end }
        local n = proxied.before({ web }, ("listen = %q"):format(address(front)))
        local c = client.connect(n.address)
        for _ = 1, 2 do
          assert.equal("hello", c:request("PUT", "/x?y", { Host = "a" }, "hello").body)
        end
        assert.equal("/x?y", web:requests()[1].target)
        assert.equal(1, web:connections())
      end)
    end
  end

  it("may be several for one service", function()
    local web = origin.start { name = "web" }
    local n = proxied.before({ web },
      ('listen = { "127.0.0.1:0", "[::1]:0", "unix:%s/s" }'):format(scope.directory()))
    assert.equal(3, #n.addresses)
    for _, one in ipairs(n.addresses) do assert.equal("web", client.get(one).body) end
  end)

  it("of a name are tried in turn within one attempt", function()
    local web = origin.start { name = "web" } -- localhost is ::1, too, where nobody listens
    local n = proxied.before { "http://localhost:" .. web.port }
    for _ = 1, 3 do assert.equal("web", n:get("/").body) end
    assert.equal(0, n:count_log "is dead")
  end)
end)
