local unistd = require "posix.unistd"
local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

local INSIDE = 'ip link set lo up && exec sh "$0" "$@"'

-- Of another build than a package is made from (sanitizers), or without the rights to make a copy
-- of the system.
local function why_not()
  if os.getenv "NEAP_SANITIZED" then return "a package is not made of a build with sanitizers" end
  if unistd.geteuid() ~= 0 then return "only root installs packages" end
  local code = process.run { argv = { "unshare", "--mount", "--pid", "--fork", "--net", "true" } }
  if code ~= 0 then return "this system gives no namespaces" end
end

local function make_package()
  local build = neap.binary:match "^(.*)/[^/]+$"
  local dir = scope.directory()
  local code, out, err = process.run { limit = 300, cwd = build,
    argv = { "cpack", "-G", "DEB", "-B", dir } }
  assert.equal(0, code, out .. err)
  return out:match "package: (%S+%.deb) generated"
end

describe("the Debian package", function()
  it("installs, serves, keeps an edited config, and goes without a trace #slow", function()
    local why = why_not()
    if why then return pending(why) end
    local code, out, err = process.run { limit = 240, argv = { "unshare", "--mount", "--pid",
      "--fork", "--net", "sh", "-c", INSIDE, unistd.getcwd() .. "/spec/package/install.sh",
      make_package(), scope.directory() } }
    assert.equal(0, code, out .. err)
    assert.equal([[
user: neap
logs: neap:adm 750
config: /etc/neap/config.lua: ok
unit: fine
manual: 3
docs: README.md docs/operations.md NEWS.gz changelog.gz
rotation: 0
answer: neap runs, but has no backends yet: see /etc/neap/config.lua
kept: -- mine
removed: gone config.lua
purged: clean nobody
]], out)
  end)
end)
