local client = require "support.client"
local neap = require "support.neap"
local origin = require "support.origin"

local function start(policy, web, more)
  return neap.start {
    config = neap.config(web, ('policy = "policy.lua", health = { type = "none" } %s')
      :format(more or "")),
    files = { ["policy.lua"] = 'local neap = require "neap"\n' .. policy },
  }
end

describe("hooks", function()
  local web

  before_each(function() web = origin.several(2) end)

  it("see the request's fields and methods", function()
    local n = start([[
      return { request = function(r)
        local parts = { r.method, r.path, r.query, r.host, r.scheme, r.version, r.client_ip,
          r:header "X-One", r:cookie "sid", tostring(r:header "none"), tostring(r:cookie "none"),
          r.attempt, type(r.client_port), type(r.time), #r.id > 0 }
        for i, part in ipairs(parts) do parts[i] = tostring(part) end
        return neap.reply { body = table.concat(parts, "|") }
      end }]], web)
    local answer = client.request(n.address, "PUT /a/b?c=d HTTP/1.1\r\nHost: example.org\r\n"
      .. "X-One: 1\r\nX-one: 2\r\nCookie: a=b; sid=\"q\"\r\nContent-Length: 0\r\n\r\n")
    assert.equal("PUT|/a/b|c=d|example.org|http|1.1|127.0.0.1|1, 2|q|nil|nil|1|number|number|true",
      answer.body)
  end)

  it("change what the backend gets", function()
    local n = start([[
      return { request = function(r)
        r:set_header("X-New", "1")
        r:set_header("X-Old", nil)
        r:set_header("X-Two", "changed")
        r:set_path "/other"
        r:set_header("X-Paths", r.path .. " " .. r.target_path .. " " .. r.query)
      end }]], web)
    n:get("/path?q=1", { ["X-Old"] = "gone", ["X-Two"] = "two" })
    local got = web[1]:requests()[1] or web[2]:requests()[1]
    assert.equal("/other?q=1", got.target)
    assert.equal("/path /other q=1", got.headers["x-paths"])
    assert.equal("1", got.headers["x-new"])
    assert.equal("changed", got.headers["x-two"])
    assert.is_nil(got.headers["x-old"])
  end)

  it("answer themselves", function()
    local n = start([[
      return { request = function()
        return neap.reply { status = 418, headers = { ["X-A"] = "b", Vary = { "x", "y" } },
          body = "tea" }
      end }]], web)
    local answer = n:get "/"
    assert.equal(418, answer.status)
    assert.equal("b", answer.headers["x-a"])
    assert.equal("x, y", answer.headers["vary"])
    assert.equal("tea", answer.body)
    assert.same({}, web[1]:requests())
  end)

  it("keep their own values in request.ctx, for one request only", function()
    local n = start([[
      return {
        request = function(r) r.ctx.n = (r.ctx.n or 0) + 1 end,
        pick = function(r, pool) r.ctx.n = r.ctx.n + 1 return pool[1] end,
        response = function(r, _, response) response:set_header("X-N", tostring(r.ctx.n)) end,
      }]], web)
    for _ = 1, 3 do assert.equal("2", n:get("/").headers["x-n"]) end
  end)

  it("see and edit the answer", function()
    local n = start([[
      return { response = function(_, backend, response)
        response:set_header("X-From", backend.name .. " " .. response.status)
        response:add_header("X-More", "1")
        response:add_header("X-More", "2")
        response:set_header("X-Secret", nil)
      end }]], { origin.start { handler = function()
      return { status = 201, headers = { "X-Secret: s" }, body = "" }
    end } })
    local answer = n:get "/"
    assert.matches("^127%.0%.0%.1:%d+ 201$", answer.headers["x-from"])
    assert.equal("1, 2", answer.headers["x-more"])
    assert.is_nil(answer.headers["x-secret"])
  end)

  it("are told of the end, once", function()
    local n = start([[
      return { log = function(r, o)
        neap.log.info("END %s %d %s %d %s %s", r.path, o.status, o.backend and o.backend.name,
          o.attempts, o.total >= 0, tostring(o.reason))
      end }]], web)
    n:get "/x"
    n:wait_log "END /x 200 127%.0%.0%.1:%d+ 1 true nil"
    assert.equal(1, n:count_log "END ")
  end)

  it("that err in response leave the answer as it came", function()
    local n = start([[
      return { response = function(_, _, response)
        response:set_header("X-Half", "1")
        error "half way"
      end }]], web)
    n:allow "half way"
    local answer = n:get "/"
    assert.same({ 200 }, { answer.status, answer.headers["x-half"] })
  end)

  it("see the end of a refused request too, without its fields", function()
    local n = start([[
      return { log = function(r, o)
        neap.log.info("END '%s' '%s' %d %s %s", r.method, r.path, o.status, o.reason,
          tostring(r:header "a"))
      end }]], web)
    assert.equal(400, client.request(n.address, "GET /x HTTP/1.1\r\nA: 1\r\nB : 2\r\n\r\n").status)
    n:wait_log "END 'GET' '/x' 400 blank before the colon nil"
    assert.equal(400, client.request(n.address, "nonsense\r\n\r\n").status)
    n:wait_log "END '' '' 400 "
  end)

  it("refuse with their reason", function()
    local n = start("return { pick = function() return nil, 'closed today' end }", web)
    local answer = n:get "/"
    assert.equal(503, answer.status)
    assert.equal("closed today", answer.headers["x-neap-error"])
  end)

  it("see backends", function()
    local n = start([[
      return { pick = function(_, pool)
        local b = pool[1]
        neap.log.info("B %s %s %s %s %s %s %s %s %s %s %d %s", b.name, b.url, b.host, b.port,
          b.weight, b.tier, tostring(b.zone), tostring(b.tags.x), b.state, b.inflight, #pool,
          pool.name ~= nil)
        return b
      end }]], web)
    n:get "/"
    n:wait_log("B 127.0.0.1:%d+ http://127.0.0.1:%d+ 127.0.0.1 %d+ 1 0 nil nil %a+ 0 2 true")
  end)

  it("share counters over all workers", function()
    local n = start([[
      return { request = function() end, pick = function(r, pool)
        r.ctx.n = pool:counter("mine"):next()
        return pool[1]
      end, response = function(r, _, response)
        response:set_header("X-N", tostring(r.ctx.n))
      end }]], web, ", workers = 2")
    local seen = {}
    for _ = 1, 20 do seen[n:get("/").headers["x-n"]] = true end
    for i = 0, 19 do assert.is_true(seen[tostring(i)], tostring(i)) end
  end)

  it("mark backends down", function()
    local n = start([[
      return { pick = function(r, pool)
        if r.path == "/down" then pool[1]:down "by hand" end
        return pool[#pool]
      end }]], web)
    n:get "/down"
    n:wait_log((web[1].url:gsub("%p", "%%%0")) .. " is dead%.")
    assert.equal(1, n:count_log "is dead%.")
  end)

  it("give a reason for a state where their author gave none", function()
    local n = start([[
      return { response = function(r, b)
        if r.path == "/eject" then b:eject(0.1) elseif r.path == "/down" then b:down() end
      end }]], web)
    n:get "/eject"
    n:wait_log "is ejected for 0.1 s: a policy says so"
    n:get "/down"
    n:wait_log "a policy says so: http://%S+ is dead%."
  end)
end)
