local eventually = require "support.eventually"
local https = require "support.https"
local process = require "support.process"
local scope = require "support.scope"

-- Connections of their own, one after the other, until the file is gone.
local LOAD = [[
while [ -e %s ]; do
  curl -sS --cacert %s --max-time 30 -o /dev/null -w '%%{http_code}\n' \
    https://127.0.0.1:%d/ >>%s 2>&1
done]]

local function under_load(n, fn)
  local dir = scope.directory()
  local flag, output = dir .. "/goes-on", dir .. "/output"
  scope.write(flag, "")
  local load = process.spawn {
    argv = { "sh", "-c", LOAD:format(flag, n.dir .. "/ca.pem", n.port, output) },
  }
  local function served()
    local _, lines = scope.read(output):gsub("\n", "")
    return lines
  end
  eventually(function() return served() > 3 end)
  fn(function(count)
    local before = served()
    eventually(function() return served() >= before + count end, 20)
  end)
  os.remove(flag)
  load:wait(30)
  return scope.read(output)
end

describe("a reload under load of TLS", function()
  it("fails no handshake, and new certificates come with it", function()
    local n = https.start {}
    local said = under_load(n, function(serve)
      for _ = 1, 3 do
        n:signal "HUP"
        serve(5)
      end
      n:wait_log "generation 4 serves"
    end)
    assert.equals("", (said:gsub("200\n", "")))
  end)

  it("lets an idle connection go on, or closes it with close_notify", function()
    local n = https.start {}
    local c = https.sending(n, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", { "-msg" })
    eventually(function() return c:stdout():find "HTTP/1.1 200" end)
    n:stop()
    assert.is_truthy(eventually(function()
      return c:log():find "<<< [^\n]*Alert[^\n]*close_notify"
    end))
  end)
end)
