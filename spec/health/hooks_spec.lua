-- The hooks that run beside traffic: check, discover, changed.
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

describe("in the agent", function()
  local function escaped(url) return (url:gsub("%p", "%%%0")) end

  local function start(web, policy, more)
    return neap.start {
      config = neap.config(web, 'policy = "policy.lua", ' .. (more or "")),
      files = { ["policy.lua"] = policy },
    }
  end

  it("a policy's check decides, and may wait", function()
    local web = origin.several(2)
    local n = start(web, [[
      local neap = require "neap"
      return {
        check = function(backend)
          neap.sleep(0.05)
          local answer, why = neap.http.get(backend.url .. "/health")
          if not answer then return false, why end
          return answer.body ~= "web1", "I do not like it"
        end,
      }]], "health = { interval = 0.3 }")
    n:wait_log("Unhealthy " .. escaped(web[1].address) .. ", error:I do not like it")
    n:wait_log(escaped(web[1].url) .. " checked dead by healthcheck")
    n:wait_log(escaped(web[2].url) .. " checked ok by healthcheck")
    for _ = 1, 4 do assert.equals("web2", n:get().body) end
    assert.equals("/health", web[2]:requests()[1].target)
  end)

  it("a ready check stands as a policy's check", function()
    local web = origin.start {
      handler = function(_, request) return request.target == "/ready" and "yes" or "no" end,
    }
    local n = start({ web }, [[
      local neap = require "neap"
      return { check = neap.check.http { path = "/ready", body = "yes" } }]])
    n:wait_log(escaped(web.url) .. " checked ok by healthcheck")
  end)

  it("a check that errs or never returns changes nothing, and is no other's trouble", function()
    local web = origin.several(3)
    local n = start(web, ([[
      return {
        check = function(backend)
          if backend.url == "%s" then error "my mistake" end
          if backend.url == "%s" then while true do end end
          return true
        end,
      }]]):format(web[1].url, web[2].url), "health = { interval = 2 }")
    n:allow "hook check"
    n:wait_log(escaped(web[3].url) .. " checked ok by healthcheck")
    n:wait_log "error hook check of pool %S+: [^\n]*my mistake"
    assert.equals(0, n:count_log "checked dead")
    local seen = {}
    for _ = 1, 3 do seen[n:get().body] = true end
    assert.same({ web1 = true, web2 = true, web3 = true }, seen)
  end)

  it("changed hears of each change, by checks and by requests", function()
    local web = origin.several(2)
    local n = start(web, [[
      local neap = require "neap"
      return {
        changed = function(backend, old, new, reason)
          neap.sleep(0.01)
          neap.log.info("heard: %s %s-%s %s", backend.url, old, new, reason)
        end,
      }]])
    n:wait_log("heard: " .. escaped(web[1].url) .. " unknown%-up checked ok")
    web[1]:kill()
    n:get()
    n:get()
    n:wait_log("heard: " .. escaped(web[1].url) .. " up%-down connection refused", 1)
    web[1]:start_again()
    n:wait_log("heard: " .. escaped(web[1].url) .. " down%-up checked ok", 3)
  end)

  it("discover brings and takes backends while requests flow", function()
    local web = origin.several(3)
    local path = scope.directory() .. "/list"
    local list = origin.start { handler = function() return scope.read(path) end }
    scope.write(path, web[1].url .. "\n" .. web[2].url)
    local n = start({}, ([[
      local neap = require "neap"
      return {
        discover = function()
          local answer, why = neap.http.get "%s"
          if not answer then return nil, why end
          local list = {}
          for url in answer.body:gmatch "%%S+" do table.insert(list, url) end
          return list
        end,
      }]]):format(list.url), "discover = { interval = 0.2 }")
    local function answers()
      local seen = {}
      for _ = 1, 6 do
        local response = n:get()
        assert.equals(200, response.status)
        seen[response.body] = (seen[response.body] or 0) + 1
      end
      return seen
    end
    assert.same({ web1 = 3, web2 = 3 }, answers())
    scope.write(path, web[2].url .. "\n" .. web[3].url)
    eventually(function() assert.same({ web2 = 3, web3 = 3 }, answers()) end)
    n:allow "discover of pool"
    scope.write(path, "nonsense")
    n:wait_log "error discover of pool %S+: [^\n]*discover%[1%]"
    list:kill()
    n:wait_log "error discover of pool %S+: [^\n]*refused"
    assert.same({ web2 = 3, web3 = 3 }, answers())
  end)

  it("a name's addresses are all used", function()
    local six = origin.start { name = "six", address = "[::1]:0" }
    local n = neap.start { config = neap.config { "http://localhost:" .. six.port } }
    n:wait_log("http://localhost:%d+ checked ok by healthcheck")
    assert.equals("six", n:get().body)
  end)

  it("a name that does not resolve is said to, and its backend is dead", function()
    local web = origin.start { name = "web" }
    local n = neap.start { config = neap.config { web, "http://no-such-name.invalid:80" } }
    n:wait_log("warn cannot resolve no%-such%-name%.invalid: ", 12)
    n:wait_log("Unreachable to no%-such%-name%.invalid:80, error:its name does not resolve", 12)
    for _ = 1, 4 do assert.equals("web", n:get().body) end
  end)

  it("unix sockets are checked too", function()
    local web = origin.start {
      name = "unix", address = "unix:" .. scope.directory() .. "/socket",
    }
    local n = neap.start {
      config = neap.config({ web }, 'health = { type = "http", interval = 0.3 }'),
    }
    n:wait_log "unix:%S+ checked ok by healthcheck"
    assert.equals("unix", n:get().body)
    web:kill()
    n:wait_log "Unreachable to unix:%S+, error:"
  end)
end)
