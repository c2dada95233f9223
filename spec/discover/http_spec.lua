-- `discover = { type = "http" }`: a server's list, by ETag, held until it changes if it can.
local admin = require "support.admin"
local null = require("cjson").null
local discovered = require "support.discovered"
local eventually = require "support.eventually"
local origin = require "support.origin"
local scope = require "support.scope"

describe("a list over HTTP", function()
  -- A server that does what its file says: "ETAG LIST", or a status. With `holds` it answers a
  -- question about what it has only when that is another one.
  local function registry(text, holds)
    local path = scope.directory() .. "/list"
    scope.write(path, text)
    local o = origin.start {
      handler = function(conn, request)
        local function now() return scope.read(path):match "^(%S+) ?(.*)$" end
        local known, waited = request.headers["if-none-match"], 0
        while holds and now() == known and request.headers.prefer and waited < 100 do
          conn:wait(0.05)
          waited = waited + 1
        end
        local etag, list = now()
        if tonumber(etag) then return { status = tonumber(etag), body = "no" } end
        local headers = { ETag = etag, Authorized = request.headers.authorization }
        if holds then headers["Preference-Applied"] = "wait" end
        if etag == known then return { status = 304, headers = headers, body = "" } end
        return { status = 200, headers = headers, body = list }
      end,
    }
    return o, function(new)
      scope.write(path .. ".new", new)
      assert(os.rename(path .. ".new", path))
    end
  end

  local function start(url, more)
    return discovered.start(('type = "http", url = %q, %s'):format(url, more or "interval = 0.1"))
  end

  it("is asked again and again by its ETag", function()
    local web = origin.several(2)
    local o, set = registry(('"a" ["%s"]'):format(web[1].address))
    local n = start(o.url .. "/list?x=1", "interval = 0.1, wait = false")
    assert.equal("web1", n:get("/").body)
    eventually(function() return #o:requests() > 3 end)
    assert.equal('"a"', o:requests()[3].headers["if-none-match"])
    assert.is_nil(o:requests()[3].headers.prefer)
    assert.equal("/list?x=1", o:requests()[3].target)
    set(('"b" ["%s"]'):format(web[2].address))
    eventually(function() return n:get("/").body == "web2" end)
    assert.equal('"b"', admin.status(n).pools[1].discover.revision)
  end)

  it("is heard of at once when the server holds the question", function()
    local web = origin.several(2)
    local o, set = registry(('"a" ["%s"]'):format(web[1].address), true)
    local n = start(o.url, "interval = 3600")
    assert.equal("web1", n:get("/").body)
    eventually(function() return #o:requests() == 2 end)
    set(('"b" ["%s"]'):format(web[2].address))
    eventually(function() return n:get("/").body == "web2" end, 2)
    assert.equal("wait=30", o:requests()[2].headers.prefer)
  end)

  it("that cannot be had changes nothing", function()
    local web = origin.several(2)
    local o, set = registry(('"a" ["%s"]'):format(web[1].address))
    local n = start(o.url)
    for _, bad in ipairs { "500", "404", '"x" {', '"y" {"a":1}', '"z" []' } do
      set(bad)
      eventually(function() return admin.status(n).pools[1].discover.error ~= null end, 20)
      assert.equal("web1", n:get("/").body)
      set(('"a" ["%s"]'):format(web[1].address))
      eventually(function() return admin.status(n).pools[1].discover.error == null end, 20)
    end
  end)

  it("is asked with a token, which may be renewed", function()
    local web = origin.start {}
    local o = registry(('"a" ["%s"]'):format(web.address))
    local path = scope.directory() .. "/token"
    scope.write(path, "first-token\n")
    start(o.url, ("interval = 0.1, token_file = %q"):format(path))
    eventually(function() return #o:requests() > 1 end)
    assert.equal("Bearer first-token", o:requests()[1].headers.authorization)
    scope.write(path, "second-token\n")
    eventually(function()
      local all = o:requests()
      return all[#all].headers.authorization == "Bearer second-token"
    end)
  end)

  it("is bounded: an answer that never ends is none", function()
    local web = origin.start {}
    local sent = false
    local o = origin.start {
      handler = function()
        if not sent then
          sent = true
          return ('["%s"]'):format(web.address)
        end
        return '["' .. ("x"):rep(200000) .. '"]'
      end,
    }
    local n = start(o.url, "interval = 0.1, max_bytes = 100000")
    n:wait_log("too large", 20)
    assert.equal(200, n:get("/").status)
  end)
end)
