-- With every policy: a backend that is taken out of the pool gets nothing more, and its part again
-- when it is back.

local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local POLICIES = {
  'require "neap.policy.round_robin" {}', 'require "neap.policy.least_connections" {}',
  'require "neap.policy.random" {}', 'require "neap.policy.two_choices" {}',
  'require "neap.policy.ewma" {}', 'require "neap.policy.hash" {}',
  'require "neap.policy.hash" { maglev = true, size = 8191 }',
  'require "neap.policy.hash" { bound = 1.25 }', 'require "neap.policy.source" {}',
  'require "neap.policy.cookie" {}', 'require "neap.policy.first" {}',
  'require "neap.policy.zone" { near = "a" }', 'require "neap.policy.canary" { share = 0.3 }',
}

-- Each policy has a service and a pool; the members of pool i are what the registry says of /i.
local CONFIG = [[
local neap = require "neap"
local list = { %s }
local services, pools = {}, {}
for i, policy in ipairs(list) do
  local name = ("p%%02d"):format(i)
  local own = {}
  for hook, fn in pairs(policy) do own[hook] = fn end
  own.pick = own.pick or require("neap.policy.round_robin").pick
  function own.discover()
    return neap.json.decode(neap.http.get("%s/" .. i).body)
  end
  services[i] = { listen = "127.0.0.1:0", pool = name, policy = own }
  pools[name] = { backends = {}, health = { type = "none" }, discover = { interval = 0.1 } }
end
return { workers = 2, services = services, pools = pools }
]]

local function start(web)
  local out = scope.directory() .. "/out-"
  local registry = origin.start { name = "registry", handler = function(_, request)
    local left, urls = scope.read(out .. request.target:sub(2)), {}
    for _, one in ipairs(web) do
      if one.name ~= left then table.insert(urls, ("%q"):format(one.url)) end
    end
    return "[" .. table.concat(urls, ",") .. "]"
  end }
  for i = 1, #POLICIES do scope.write(out .. i, "") end
  local n = neap.start { config = CONFIG:format(table.concat(POLICIES, ", "), registry.url) }
  return n, function(i, name) scope.write(out .. i, name) end
end

-- Who answers eighteen requests.
local function answers(address)
  local seen = {}
  for k = 1, 18 do
    local response = client.get(address, "/" .. k)
    assert.equal(200, response.status, response.raw)
    seen[response.body] = true
  end
  return seen
end

describe("with every policy", function()
  it("a backend that leaves the pool gets nothing more, until it is back", function()
    local n, take_out = start(origin.several(3))
    local names = {}
    for i in ipairs(POLICIES) do
      names[i] = client.get(n.addresses[i], "/1").body
      take_out(i, names[i])
    end
    for i, policy in ipairs(POLICIES) do
      eventually(function() return not answers(n.addresses[i])[names[i]] end, 10, policy)
      assert.is_nil(answers(n.addresses[i])[names[i]], policy)
      take_out(i, "")
    end
    for i, policy in ipairs(POLICIES) do
      eventually(function() return answers(n.addresses[i])[names[i]] end, 10, policy)
    end
  end)
end)
