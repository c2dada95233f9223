-- What `neap init` writes, by path in the project. Users are meant to change all of it.

local files = {}

files["config.lua"] = [[
-- neap's configuration: a Lua file that returns a table (docs/config.md, neap-config(5)).
--
-- neap -t -c config.lua   says what is wrong here.

return {
  listen = ":8080",
  backends = {
    "http://localhost:8081",
    "http://localhost:8082",
    "http://localhost:8083",
    "http://localhost:8084",
  },
  policy = "policy.lua",
  -- guard = true,  -- when the policy decides who may pass: if it fails, requests get 503
  health = { type = "tcp", interval = 10, timeout = 5 },
}
]]

files["policy.lua"] = [[
-- Which backend gets a request. All hooks and their arguments: docs/policies.md, neap-policy(7).
-- For hooks not written here, the default policy decides.
--
-- If you decide here who may pass (401, 403, 429), set guard = true in config.lua. Otherwise
-- requests pass when this policy fails.

---@type neap.policy
local policy = {}

-- pool holds the backends that may serve this request now: up, with a free slot, not tried yet. It
-- is never empty.
function policy.pick(_request, pool)
  return pool:least_loaded()
end

return policy
]]

files["spec/policy_spec.lua"] = [[
-- busted --lua=luajit   runs this: no neap, no sockets, no waiting (docs/testing.md).

local testing = require "neap.testing"

-- What every policy promises.
testing.contract "policy.lua"

describe("the policy", function()
  local pool

  before_each(function()
    pool = testing.pool({ "b1", "b2", "b3" }, { policy = "policy.lua" })
  end)

  it("spreads requests evenly", function()
    assert.balanced(pool, 0.02)
  end)

  it("sends a request to the backend with the least to do", function()
    pool:set("b1", { inflight = 4 }):set("b3", { inflight = 2 })
    assert.equal("b2", pool:pick { path = "/" })
  end)

  it("leaves out a backend that has died", function()
    pool:kill "b2"
    local counts = pool:count(100, { path = "/" })
    assert.equal(0, counts.b2)
    assert.equal(100, counts.b1 + counts.b3)
    assert.equal("down", pool:backend("b2").state)
  end)
end)
]]

files[".busted"] = [[
return {
  _all = {
    lua = "luajit",
    lpath = "./?.lua;./.neap/lua/?.lua;./.neap/lua/?/init.lua",
  },
  default = { ROOT = { "spec" } },
}
]]

files[".luarc.json"] = [[
{
  "$schema": "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
  "runtime.version": "LuaJIT",
  "runtime.path": ["?.lua", ".neap/lua/?.lua", ".neap/lua/?/init.lua"],
  "workspace.library": [".neap/lua/neap/meta"],
  "workspace.ignoreDir": [".neap"],
  "workspace.checkThirdParty": false,
  "diagnostics.globals": [
    "describe", "it", "before_each", "after_each", "setup", "teardown", "finally", "pending"
  ]
}
]]

files["README.md"] = [[
# A policy for neap

```sh
busted --lua=luajit        # tests the policy; needs luajit and busted only
neap -t -c config.lua      # checks the config, and the policy in it
neap sim --policy policy.lua --backends 4
neap -c config.lua         # serves
```

- `policy.lua`: which backend gets a request
- `spec/policy_spec.lua`: what it promises, and the contract that every policy keeps
- `.neap/`: the test kit and the types for editors, of the neap that wrote them;
  `neap init --kit .` replaces them with those of the neap that you run. If you commit the folder,
  tests need no neap.
]]

return files
