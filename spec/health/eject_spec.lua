-- Outliers: what fails more than the others is out of service for a while.

local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local proxied = require "support.proxied"

local function failing(conn, request)
  if request.target == "/well" then return conn.name end
  return { status = 503, reason = "Busy", body = "bad" }
end

-- Answers of web1 … webn: the first ones fail.
local function origins(n, bad)
  local list = {}
  for i = 1, n do
    list[i] = origin.start { name = "web" .. i, handler = i <= bad and failing or nil }
  end
  return list
end

local function count(n, requests, path)
  local counts = {}
  for _ = 1, requests do
    local body = n:get(path or "/").body
    counts[body] = (counts[body] or 0) + 1
  end
  return counts
end

local SET = [[
local policy = {}
function policy.request(request)
  local verb, port = request.path:match "^/(%l+)/(%d+)"
  if not verb then return end
  local backend = require("neap").pool("p"):find("127.0.0.1:" .. port)
  for _, b in ipairs(require("neap").pool("p").all) do
    if b.port == tonumber(port) then backend = b end
  end
  if verb == "eject" then backend:eject(0.4, "by hand") else backend:up() end
  return require("neap").reply { body = backend.state }
end
return policy
]]

describe("eject", function()
  it("takes out who answers with a listed status, over all workers, and lets it back", function()
    local list = origins(3, 1)
    local n = proxied.before(list, "workers = 2, eject = { consecutive = 4, time = 0.7 },")
    local seen = count(n, 12)
    assert.equals(4, seen.bad)
    n:wait_log(("backend %s of pool [^ ]+: unknown → ejected %%(4 failures in a row; for 0.7 s%%)")
      :format((list[1].url:gsub("%p", "%%%0"))))
    assert.is_nil(count(n, 9).bad)
    eventually(function() return count(n, 3, "/well").web1 end)
    n:wait_log "ejected → unknown %(its ejection is over%)"
  end)

  it("begins to count again after a good answer", function()
    local list = origins(2, 1)
    local n = proxied.before(list, "eject = { consecutive = 3 },")
    for _ = 1, 4 do
      assert.equals(2, count(n, 4).bad)
      assert.equals(1, count(n, 2, "/well").web1)
    end
    assert.equals(0, n:count_log "ejected")
  end)

  it("counts timeouts, which nobody marks down for", function()
    local list = origins(1, 0)
    table.insert(list, origin.start { handler = function(conn) conn:wait(20) end })
    local n = proxied.before(list, "timeouts = { response = 0.1 }, eject = { consecutive = 2 },")
    for _ = 1, 4 do n:get "/" end
    n:wait_log "→ ejected %(2 failures in a row"
    assert.equals(4, count(n, 4).web1)
  end)

  it("counts connections refused, of tcp too, where the policy is mild", function()
    local list = origins(2, 0)
    list[1]:kill()
    local n = neap.start {
      config = proxied.config(list, [[mode = "tcp", policy = "policy.lua",
        health = { type = "none" }, eject = { consecutive = 3 },]]):gsub("http:", "tcp:"),
      files = { ["policy.lua"] = "return { failed = function() return 'retry' end }" },
    }
    for _ = 1, 8 do assert.equals("web2", n:get("/").body) end
    n:wait_log "→ ejected %(3 failures in a row"
  end)

  it("compares shares of failures", function()
    local list = origins(3, 1)
    local n = proxied.before(list, [[eject = {
      consecutive = false, error_rate = 0.4, interval = 0.3, min_requests = 3 },]])
    eventually(function()
      count(n, 6)
      count(n, 6, "/well")
      return n:count_log "→ ejected %(.* %% of %d+ requests failed, of the others' 0 %%" > 0
    end)
    assert.is_nil(count(n, 6).bad)
  end)

  it("by a policy ends by itself, or by up()", function()
    local list = origins(2, 0)
    local n = neap.start {
      config = ([[return { workers = 2, services = { { listen = "127.0.0.1:0", pool = "p",
        policy = "policy.lua" } }, pools = { p = { health = { type = "none" },
        backends = { "%s", "%s" } } } }]]):format(list[1].url, list[2].url),
      files = { ["policy.lua"] = SET },
    }
    assert.equals("ejected", n:get("/eject/" .. list[1].port).body)
    n:wait_log "is ejected for 0.4 s: by hand"
    n:wait_log "unknown → ejected %(by hand%)"
    eventually(function() return count(n, 2).web1 end)
    n:wait_log "ejected → unknown %(its ejection is over%)"
    assert.equals("ejected", n:get("/eject/" .. list[1].port).body)
    assert.is_nil(count(n, 4).web1)
    assert.equals("up", n:get("/up/" .. list[1].port).body)
    assert.same({ web1 = 2, web2 = 2 }, count(n, 4))
    n:wait_log "ejected → up"
  end)
end)
