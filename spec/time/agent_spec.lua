-- `start` and `every` as they run in the agent of a real neap.
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

describe("a policy that works beside traffic", function()
  local function start(policy, more, options)
    local all = options or {}
    all.config = neap.config(origin.several(2), 'policy = "policy.lua", ' .. (more or ""))
    all.files = { ["policy.lua"] = policy }
    return neap.start(all)
  end

  local function at(n, text)
    local place = n:log():find(text)
    return assert(place, text)
  end

  it("has ended its start, which may wait, before requests are served", function()
    local n = start [[
      local neap = require "neap"
      return { start = function()
        neap.sleep(0.3)
        neap.log.info "the list is there"
      end }]]
    assert.is_true(at(n, "the list is there") < at(n, " ready: "))
    assert.equals(1, n:count_log "the list is there")
    n:signal "HUP"
    n:wait_log "generation 2 [^\n]*serves"
    assert.equals(2, n:count_log "the list is there")
  end)

  it("runs every at start and again each time, also when a run waits", function()
    local n = start [[
      local neap = require "neap"
      local runs, is_running = 0, false
      return {
        start = function() neap.log.info "start" end,
        every = {
          [0.2] = function()
            if is_running then neap.log.error "two at once" end
            is_running = true
            runs = runs + 1
            neap.sleep(0.25)
            neap.log.info("run %d", runs)
            is_running = false
          end,
          [3600] = function() neap.log.info "once" end,
        },
      }]]
    n:wait_log "run 4"
    assert.is_true(at(n, " start\n") < at(n, " run 1\n"))
    assert.equals(1, n:count_log " once$")
    assert.equals(200, n:get().status)
  end)

  it("serves although start errs, and tells file, line and traceback", function()
    local n = start([[
      return { start = function()
        error "no list anywhere"
      end }]], nil, { allow = { "hook start" } })
    n:wait_log "hook start of service %S+: [^\n]*policy.lua:2: no list anywhere < "
    assert.equals(200, n:get().status)
  end)

  it("is left out after five errors, counted, and ended when it does not return", function()
    local n = start([[
      local runs = 0
      return {
        every = { [0.1] = function()
          runs = runs + 1
          if runs == 1 then while true do end end
          error "not today"
        end },
      }]], 'admin = { listen = "127.0.0.1:0" }', { allow = { "hook every" } })
    n:wait_log "hook every of service %S+ is tripped"
    assert.matches("ran for more than", n:log())
    eventually(function()
      local text = require("support.admin").get(n, "/metrics").body
      return text:find 'neap_hook_errors_total{[^}]*hook="every"} 5\n'
    end, 5, "five errors in the metrics")
    assert.equals(200, n:get().status)
  end)

  it("runs once for each service and each pool that names it", function()
    local web = origin.several(1)
    local n = neap.start {
      config = ([[return {
        workers = 1, pools = { main = { backends = { "%s" }, policy = "policy.lua" } },
        services = {
          { name = "a", listen = "127.0.0.1:0", pool = "main", policy = "policy.lua" },
          { name = "b", listen = "127.0.0.1:0", pool = "main" },
        } }]]):format(web[1].url),
      files = { ["policy.lua"] = [[
        local neap = require "neap"
        return { start = function() neap.log.info "begun" end }]] },
    }
    assert.equals(2, n:count_log " begun$")
  end)
end)

describe("neap -t", function()
  local function output(policy)
    local code, text = neap.check(neap.config({ 1 }, 'policy = "policy.lua"'),
      { files = { ["policy.lua"] = policy } })
    return text, code
  end

  it("says what is wrong with every and start", function()
    for policy, text in pairs {
      ["return { every = 5 }"] = "'every' is a number %(expected a table",
      ["return { every = { print } }"] = nil,
      ["return { every = { [5] = 7 } }"] = "every%[5%] is a number %(expected a function%)",
      ["return { every = { [-1] = print } }"] = "every%[%-1%]: its key is no number of seconds",
      ["return { every = { [0] = print } }"] = "every%[0%]: its key is no number of seconds",
      ["return { every = { x = print } }"] = "every%['x'%]: its key is no number of seconds",
      ["return { every = { [1/0] = print } }"] = "every%[inf%]: its key is no number of seconds",
      ["return { start = {} }"] = "hook 'start' is a table %(expected a function%)",
    } do
      local told, code = output(policy)
      assert.equals(1, code)
      assert.matches(text, told)
    end
    local told, code = output "return { every = { [0.5] = print }, start = error }"
    assert.equals(0, code, told)
  end)
end)
