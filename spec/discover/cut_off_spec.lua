-- Registries whose watches end all the time, or have no end: they are asked at a pace that harms
-- nobody, and what they said is not kept for ever.

local base64 = require "neap.text.base64"
local discovered = require "support.discovered"
local eventually = require "support.eventually"
local origin = require "support.origin"

local WINDOW = 2 -- seconds

local function count(o, word)
  local n = 0
  for _, request in ipairs(o:requests()) do
    if request.target:find(word, 1, true) then n = n + 1 end
  end
  return n
end

-- An etcd that ends each watch after one change.
local function hasty_etcd(web)
  local n = 5
  return origin.start { handler = function(_, request)
    local kv = ('{"key":"%s","value":"%s"}'):format(base64.encode "/web/1",
      base64.encode(web.address))
    local header = ('"header":{"revision":"%d"}'):format(n)
    if not request.target:find "watch" then
      return ('{%s,"count":"1","kvs":[%s]}'):format(header, kv)
    end
    n = n + 1
    return ('{"result":{"header":{"revision":"%d"},"events":[{"kv":%s}]}}\n'):format(n, kv)
  end }
end

-- A Kubernetes that tells of ever more slices.
local function talkative_kubernetes(web)
  local n, pad = 5, ("x"):rep(1000000)
  return origin.start { allow_errors = true, handler = function(conn, request)
    if not request.target:find "watch" then
      return ('{"metadata":{"resourceVersion":"%d"},"items":[{"metadata":{"name":"a"},'
        .. '"ports":[{"port":%d}],"endpoints":[{"addresses":["127.0.0.1"]}]}]}'):format(n, web.port)
    end
    conn:send "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    for _ = 1, 30 do
      n = n + 1
      conn:send(('{"type":"ADDED","object":{"metadata":{"name":"s%d","resourceVersion":"%d"},'
        .. '"pad":"%s"}}\n'):format(n, n, pad))
    end
    conn:wait(1.2)
    conn:close()
  end }
end

describe("a registry whose watches", function()
  it("end after each change is not asked again at once", function()
    local web = origin.start {}
    local o = hasty_etcd(web)
    local n = discovered.start(("type = 'etcd', endpoints = { %q }, prefix = '/web/'")
      :format(o.url))
    eventually(function() return n:get("/").status == 200 and count(o, "watch") > 1 end)
    local before, began = count(o, "watch"), os.time()
    eventually(function() return os.time() - began > WINDOW end)
    local each_second = (count(o, "watch") - before) / (os.time() - began - 1)
    assert.is_true(each_second <= 25, each_second .. " a second")
  end)

  it("tell of ever more is asked for all anew, and what it said is forgotten", function()
    local web = origin.start {}
    local o = talkative_kubernetes(web)
    local n = discovered.start(("type = 'kubernetes', endpoints = { %q }, service = 'web', "
      .. "namespace = 'x', max_bytes = 2000000"):format(o.url))
    eventually(function() return n:get("/").status == 200 end)
    eventually(function() return count(o, "watch") > 2 and count(o, "limit=") > 1 end, 60)
    assert.equal(200, n:get("/").status)
  end)
end)
