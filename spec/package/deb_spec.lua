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

-- The packages, in a fresh folder: the program's, and the documentation's.
local function make_packages()
  local build = neap.binary:match "^(.*)/[^/]+$"
  local dir = scope.directory()
  local code, out, err = process.run { limit = 300, cwd = build,
    env = { SOURCE_DATE_EPOCH = "1700000000" }, argv = { "cpack", "-G", "DEB", "-B", dir } }
  assert.equal(0, code, out .. err)
  local package = assert(out:match "package: (%S+/neap_%S+%.deb) generated", out)
  local doc = assert(out:match "package: (%S+/neap%-doc_%S+%.deb) generated", out)
  return package, doc
end

local function has(program)
  return (process.run { argv = { "sh", "-c", "command -v " .. program } }) == 0
end

describe("the Debian packages", function()
  local package, doc -- made once: that takes most of a minute

  setup(function()
    if not os.getenv "NEAP_SANITIZED" then package, doc = make_packages() end
  end)

  it("install, serve, keep an edited config, and go without a trace #slow", function()
    local why = why_not()
    if why then return pending(why) end
    local code, out, err = process.run { limit = 240, argv = { "unshare", "--mount", "--pid",
      "--fork", "--net", "sh", "-c", INSIDE, unistd.getcwd() .. "/spec/package/install.sh",
      package, doc, scope.directory() } }
    assert.equal(0, code, out .. err)
    assert.equal([[
user: neap
logs: neap:adm 750
config: /etc/neap/config.lua: ok
unit: fine
manual: 3
docs: README.md docs/operations.md NEWS.gz changelog.gz
examples: neap.socket
libraries: 12
profile: fine
rotation: 0
answer: neap runs, but has no backends yet: see /etc/neap/config.lua
kept: -- mine
removed: gone config.lua
purged: clean nobody
]], out)
  end)

  it("have the same bytes each time, and nothing that lintian minds #slow", function()
    if os.getenv "NEAP_SANITIZED" then return pending "not of a build with sanitizers" end
    local first, second = { package, doc }, { make_packages() }
    for i, path in ipairs(first) do
      assert.is_true(scope.read(path) == scope.read(second[i]), path .. ": other bytes")
      if has "lintian" then
        local _, out = process.run { limit = 120, argv = { "lintian", "--fail-on", "none", path } }
        assert.equal("", out)
      end
    end
  end)
end)

describe("the AppArmor profile", function()
  it("is one", function()
    if not has "apparmor_parser" then return pending "there is no apparmor_parser" end
    local code, _, err = process.run { argv = { "apparmor_parser", "--skip-kernel-load",
      "--skip-cache", "packaging/apparmor/usr.bin.neap" } }
    assert.equal(0, code, err)
  end)
end)
