-- neap -t tells of policies that refuse requests in services where a failing hook lets them pass.
local neap = require "support.neap"

local function stderr_of(policy, more, files)
  local all = files or {}
  all["policy.lua"] = 'local neap = require "neap"\n' .. policy
  all["config.lua"] = ([[return { listen = "127.0.0.1:1", backends = { "http://127.0.0.1:2" },
    policy = "policy.lua" %s }]]):format(more or "")
  local code, stdout, stderr = neap.run({ "-t", "-c", "config.lua" }, { files = all, limit = 15 })
  assert.equal("config.lua: ok\n", stdout)
  assert.equal(0, code)
  return stderr
end

local DENIES = "return { request = function(r) if r.path == '/in' then "
  .. "return neap.reply { status = 403 } end end }"

describe("neap check", function()
  for _, status in ipairs { 401, 403, 429 } do
    it("warns of a request hook that can answer " .. status, function()
      local text = stderr_of((DENIES:gsub("403", status)))
      assert.matches("config%.lua: policy: its request hook can answer " .. status, text)
      assert.matches("guard = true", text)
    end)
  end

  it("warns of one whose answer is made elsewhere", function()
    local files = { ["auth.lua"] = [[local neap = require "neap"
      return { denied = function() return neap.reply { status = 401 } end }]] }
    local text = stderr_of([[local auth = require "auth"
      return { request = function(r) if r.path == "/in" then return auth.denied() end end }]],
      nil, files)
    assert.matches("can answer 401 %(auth%.lua%)", text)
  end)

  local silent = {
    { "a guard", DENIES, ", guard = true" },
    { "on_error = \"refuse\"", DENIES, ', on_error = "refuse"' },
    { "a hook that answers otherwise",
      "return { request = function() return neap.reply { status = 200 } end }" },
    { "a comment", "-- reply 401\nreturn { request = function() end }" },
    { "no request hook", "return { pick = function(_, pool) return pool[1] end } -- 403 reply" },
  }

  for _, case in ipairs(silent) do
    it("does not warn of " .. case[1], function()
      assert.equal("", stderr_of(case[2], case[3]))
    end)
  end
end)
