local admin = require "support.admin"
local client = require "support.client"
local origin = require "support.origin"
local scope = require "support.scope"

-- As curl reads it, which decodes what it asked for.
local function curl(n, path, more)
  local pipe = io.popen(("curl -s --max-time 10 %s 'http://%s%s'"):format(more, n.admin, path))
  local output = pipe:read "*a"
  pipe:close()
  return output
end

local function ask(n, path, wish)
  local c = client.connect(n.admin)
  local response = c:request("GET", path, { ["Accept-Encoding"] = wish })
  c:close()
  return response
end

describe("large answers of the admin side", function()
  it("are gzip for a scraper that takes it", function()
    local n = admin.start({ origin.start() }, 'name = "web"')
    for _, path in ipairs { "/metrics", "/status" } do
      local plain, packed = ask(n, path), ask(n, path, "gzip, deflate")
      assert.is_nil(plain.headers["content-encoding"])
      assert.same({ "gzip", "Accept-Encoding" },
        { packed.headers["content-encoding"], packed.headers.vary })
      assert.equals("Accept-Encoding", plain.headers.vary)
      assert.is_true(#packed.body < #plain.body / 2)
      assert.equals(plain.headers["content-type"], packed.headers["content-type"])
    end
    assert.matches("neap_info{.*\nneap_worker_up", curl(n, "/metrics", "--compressed"))
    local dir = scope.directory()
    assert.equals("", curl(n, "/status", "-H 'Accept-Encoding: gzip' -o " .. dir .. "/s.gz"))
    assert.equals(0, os.execute(("gzip -t %s/s.gz"):format(dir)))
  end)

  it("are plain for one that does not", function()
    local n = admin.start({ origin.start() }, 'name = "web"')
    for _, wish in ipairs { "gzip;q=0", "identity", "br", "nonsense;;q=gzip", "*;q=0" } do
      assert.is_nil(ask(n, "/metrics", wish).headers["content-encoding"], wish)
    end
    for _, wish in ipairs { "*", "gzip;q=0.5", "br, x-gzip" } do
      assert.equals("gzip", ask(n, "/metrics", wish).headers["content-encoding"], wish)
    end
    assert.is_nil(ask(n, "/healthz", "gzip").headers["content-encoding"])
  end)
end)
