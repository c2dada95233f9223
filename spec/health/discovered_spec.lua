-- What `discover` gave stays until it gives something else, whoever replaces the agent meanwhile.
local admin = require "support.admin"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

describe("backends that discover gave", function()
  local POLICY = [[
    local neap = require "neap"
    return {
      discover = function()
        local answer, why = neap.http.get("%s", { timeout = 30 })
        if not answer then return nil, why end
        if answer.status == 204 then return nil end
        if answer.status == 500 then error "the registry is ill" end
        if answer.status ~= 200 then return nil, "status " .. answer.status end
        return neap.json.decode(answer.body)
      end,
    }]]

  local OPTIONS = 'policy = "policy.lua", discover = { interval = 0.2 }, '
    .. 'health = { type = "none" }, admin = { listen = "127.0.0.1:0" }, '

  -- A registry that does what its file says: a list, or a word.
  local function registry(text)
    local path = scope.directory() .. "/registry"
    scope.write(path, text)
    local o = origin.start {
      handler = function(conn)
        local now = scope.read(path)
        if now == "hang" then return conn:wait(60) end
        local status = tonumber(now)
        return status and { status = status, body = "" } or now
      end,
    }
    return function(new)
      scope.write(path .. ".new", new)
      assert(os.rename(path .. ".new", path))
    end, o
  end

  local function start(text)
    local set, o = registry(text)
    local n = neap.start {
      config = neap.config({}, OPTIONS), files = { ["policy.lua"] = POLICY:format(o.url) },
      binary = neap.open_binary(),
    }
    n:allow "discover of pool"
    n:allow "hook discover"
    return n, set
  end

  local AWAY = {
    ["errs"] = "500", ["fails"] = "503", ["says nothing new"] = "204", ["hangs"] = "hang",
    ["says nonsense"] = '["tcp://127.0.0.1:1"]',
  }

  local function serves(n, count)
    for _ = 1, count or 10 do assert.equal(200, n:get("/").status) end
  end

  local function kill_agent(n)
    local pid = n:agent()
    n:allow "starting another"
    process.signal(pid, "KILL")
    eventually(function() return n:agent() and n:agent() ~= pid end)
  end

  for how, what in pairs(AWAY) do
    it("stay for a new agent while the registry " .. how, function()
      local web = origin.start {}
      local n, set = start('["' .. web.url .. '"]')
      serves(n, 1)
      set(what)
      kill_agent(n)
      n:wait_log "keeps what it had until discover answers: 1 backend %(as it said %d+ s ago%)"
      serves(n)
      kill_agent(n)
      serves(n)
    end)
  end

  it("stay over reloads, and over the death of the agent that took them over", function()
    local web = origin.several(2)
    local n, set = start(('[{"url":"%s","name":"one"},"%s"]'):format(web[1].url, web[2].url))
    serves(n, 2)
    set "503"
    for number = 2, 3 do
      n:signal "HUP"
      n:wait_log(("reloaded: generation %d serves"):format(number), 20)
      serves(n)
    end
    kill_agent(n)
    serves(n)
    set('["' .. web[2].url .. '"]')
    eventually(function() return #admin.status(n).pools[1].backends == 1 end)
    assert.equal("web2", n:get("/").body)
  end)

  it("are told with their age and what is wrong", function()
    local web = origin.start {}
    local n, set = start('["' .. web.url .. '"]')
    eventually(function() return admin.status(n).pools[1].discover.answered end)
    set "500"
    kill_agent(n)
    local pool = eventually(function()
      local pool = admin.status(n).pools[1]
      return type(pool.discover.error) == "string" and pool
    end)
    assert.equal("it erred", pool.discover.error)
    assert.is_true(admin.status(n).now - pool.discover.answered < 60)
    assert.equal("discover", pool.backends[1].origin.backend)
  end)

  it("replace the file's after a reload to discover, not before it answered", function()
    local web = origin.several(2)
    local set, o = registry "503"
    local n = neap.start { config = neap.config { web[1] } }
    n:allow "discover of pool"
    n:allow "hook discover"
    scope.write(n.dir .. "/policy.lua", POLICY:format(o.url))
    scope.write(n.dir .. "/config.lua", neap.config({}, OPTIONS))
    n:signal "HUP"
    n:wait_log("reloaded: generation 2 serves", 20)
    serves(n)
    set('["' .. web[2].url .. '"]')
    eventually(function() return n:get("/").body == "web2" end)
  end)

  it("go over to another binary", function()
    local web = origin.start {}
    local n, set = start('["' .. web.url .. '"]')
    serves(n, 1)
    set "500"
    n:signal "USR2"
    local pid = tonumber((n:wait_log("upgraded: process (%d+) serves", 20)))
    scope.add {
      dispose = function()
        process.signal(pid, "TERM")
        eventually(function() return not process.exists(pid) end, 5)
      end,
    }
    serves(n)
    assert.equal(0, n:wait(5))
  end)
end)
