-- The files for Kubernetes agree with themselves, and their config with neap.
local neap = require "support.neap"
local scope = require "support.scope"

local text = scope.read "packaging/kubernetes/neap.yaml"

-- The parts by kind.
local parts = {}
for part in (text .. "---\n"):gmatch "(.-\n)%-%-%-\n" do
  parts[part:match "kind: (%S+)"] = part
end

describe("packaging/kubernetes", function()
  it("has all parts", function()
    for _, kind in ipairs { "ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Deployment",
      "Service" } do
      assert.is_truthy(parts[kind], kind)
      assert.is_truthy(parts[kind]:find "\nmetadata:\n  name: neap\n")
    end
  end)

  it("has a config that neap takes", function()
    local lines = {}
    for line in parts.ConfigMap:match("config.lua: |\n(.*)$"):gmatch "[^\n]+" do
      assert.equal("    ", line:sub(1, 4))
      table.insert(lines, line:sub(5))
    end
    local _, out = neap.check(table.concat(lines, "\n") .. "\n", {
      env = { KUBERNETES_SERVICE_HOST = "127.0.0.1", KUBERNETES_SERVICE_PORT = "1" },
    })
    assert.is_truthy(out:find(": ok", 1, true), out)
  end)

  it("names the same ports and labels everywhere", function()
    local deployment, config = parts.Deployment, parts.ConfigMap
    local port = deployment:match "name: http, containerPort: (%d+)"
    local admin = deployment:match "name: admin, containerPort: (%d+)"
    assert.is_truthy(config:find('listen = ":' .. port .. '"', 1, true))
    assert.is_truthy(config:find('0.0.0.0:' .. admin, 1, true))
    local host = config:match 'hosts = { "(%w+)" }'
    assert.is_truthy(deployment:find("name: Host, value: " .. host, 1, true))
    for _, part in ipairs { deployment:match "selector:.-template", deployment:match "template:.*",
      parts.Service } do
      assert.is_truthy(part:find("app: neap", 1, true))
    end
  end)

  it("waits for the end of a pod as long as neap takes", function()
    local notice, drain = parts.ConfigMap:match "notice = (%d+), drain = (%d+)"
    local grace = parts.Deployment:match "terminationGracePeriodSeconds: (%d+)"
    assert.is_true(tonumber(grace) > notice + drain)
  end)
end)
