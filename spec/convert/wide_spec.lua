-- Rarer parts of both languages, and TCP.

local converted = require "support.converted"
local scope = require "support.scope"

local NGINX = {
  { path = "/x?y" }, { path = "/geo" }, { path = "/geo", host = "a.fast.test" },
  { path = "/geo", host = "slow.down" }, { path = "/geo", host = "sly.x" },
  { path = "/if?a=1" }, { path = "/if", headers = { "X-Y: yes" } },
  { path = "/if", headers = { "X-Y: 0" } }, { path = "/if?q", headers = { "Cookie: c=B" } },
  { path = "/chosen/b" }, { path = "/if/more" }, { path = "/two?x=%20y" }, { path = "/files" },
  { path = "/two", method = "PUT", body = "x" }, { path = "/any" }, { path = "/go" },
}

local HAPROXY = {
  { path = "/x?y" }, { path = "/denied" }, { path = "/x", headers = { "X-Key: ONE" } },
  { path = "/to/app/x" },
  { path = "/to/nobody/x" }, { path = "/x", headers = { "Cookie: a=b" } },
  { path = "/x?n=4", headers = { "X-Key: k" } }, { path = "/x?n=5", headers = { "X-Key: k" } },
  { path = "/x?n=3", headers = { "X-Key: k" } }, { path = "/x?n=9", headers = { "X-Key: k" } },
  { path = "/y", headers = { "X-Key: other" } },
}

-- nginx splits clients by another hash.
local function seen(answer)
  local all = converted.seen(answer)
  all.body = all.body and all.body:gsub(" [ab] ", " half ")
  if not answer.backend then all["cache-control"] = nil end
  return all
end

local function compare(pair, requests)
  for i, request in ipairs(requests) do
    request.port = request.port or 8081
    request.host = request.host or "plain.test"
    local theirs, ours = pair:both(request)
    assert.same(seen(theirs), seen(ours), ("request %d: %s"):format(i, request.path))
  end
end

describe("a converted configuration with rarer things", function()
  it("answers as nginx does", function()
    local pair = converted.start("nginx", scope.read "spec/convert/wide.conf")
    assert.equal(2, pair.status)
    compare(pair, NGINX)
    local theirs, ours = pair:both { path = "/x", port = 8082 }
    assert.equal("web1", theirs.backend)
    assert.equal("web1", ours.backend)
    theirs, ours = pair:both { path = "/x", port = 8083 }
    assert.equal(theirs.backend, ours.backend)
  end)

  it("answers as HAProxy does", function()
    local pair = converted.start("haproxy", scope.read "spec/convert/wide.cfg")
    assert.equal(0, pair.status)
    compare(pair, HAPROXY)
  end)
end)
