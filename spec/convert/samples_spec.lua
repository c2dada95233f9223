-- The configurations that come with Debian's packages of nginx and HAProxy, where they are.

local neap = require "support.neap"
local pki = require "support.pki"
local scope = require "support.scope"

local EXAMPLES = "/usr/share/doc/haproxy/examples/"

local SAMPLES = {
  ["/etc/nginx/nginx.conf"] = { status = 2, "try_files %$uri %$uri/ =404: neap serves no files" },
  [EXAMPLES .. "basic-config-edge.cfg"] = { status = 2, "cache: neap does not cache" },
  [EXAMPLES .. "content-sw-sample.cfg"] = { status = 2, "stats: the admin side" },
  [EXAMPLES .. "option-http_proxy.cfg"] = { status = 2, "set%-dst" },
  [EXAMPLES .. "quick-test.cfg"] = { status = 0, "0 things are not converted" },
  [EXAMPLES .. "socks4.cfg"] = { status = 2, "does not go through other proxies" },
  [EXAMPLES .. "transparent_proxy.cfg"] = { status = 2, "does not choose the address" },
  [EXAMPLES .. "wurfl-example.cfg"] = { status = 2, "knows no devices" },
}

-- A copy, beside which its certificate is.
local function copied(path, text)
  local dir = scope.directory()
  local cert = pki.self_signed { names = { "localhost" } }
  scope.write(dir .. "/pub1.pem", cert.chain .. cert.key)
  local copy = dir .. "/" .. path:match "[^/]+$"
  scope.write(copy, text)
  return copy
end

local function convert(path)
  local text = scope.read(path)
  local from = text:find("pub1.pem", 1, true) and copied(path, text) or path
  local out = scope.directory() .. "/out"
  local status, _, said = neap.run { "convert", from, "-o", out }
  return status, said, out .. "/config.lua"
end

describe("a sample configuration", function()
  for path, expected in pairs(SAMPLES) do
    it(path .. " is converted to what neap -t takes", function()
      if scope.read(path) == "" then return pending(path .. " is not installed") end
      local status, said, config = convert(path)
      assert.equal(expected.status, status, said)
      assert.matches(expected[1], said)
      local code, checked = neap.check { path = config }
      assert.equal(0, code, checked)
    end)
  end

  it("/etc/haproxy/haproxy.cfg has nothing to convert yet", function()
    if scope.read "/etc/haproxy/haproxy.cfg" == "" then return pending "it is not installed" end
    local status, said = convert "/etc/haproxy/haproxy.cfg"
    assert.equal(1, status)
    assert.matches("there is no frontend, backend or listen", said)
  end)
end)
