local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local neap = require "support.neap"
local origin = require "support.origin"
local scope = require "support.scope"

local is_root = unistd.geteuid() == 0
local POLICY = "return { request = function() end }"

local function status(pid, field)
  return scope.read(("/proc/%d/status"):format(pid)):match("\n" .. field .. ":%s*(%S+)")
end

local function mode(path, text) assert(stat.chmod(path, tonumber(text, 8))) end

-- A config with a policy of its own, in a folder of its own.
local function written()
  local dir = scope.directory()
  assert(stat.mkdir(dir .. "/policies"))
  scope.write(dir .. "/policies/own.lua", POLICY)
  scope.write(dir .. "/config.lua", neap.config({ 1 }, 'policy = "policies/own.lua"'))
  mode(dir .. "/policies", "755")
  mode(dir .. "/policies/own.lua", "644")
  mode(dir .. "/config.lua", "644")
  return dir
end

local function checked(dir) return select(2, neap.check { path = dir .. "/config.lua" }) end

describe("a file that decides what runs", function()
  it("is taken without a word when only its owner may write to it", function()
    local dir = written()
    assert.equal(dir .. "/config.lua: ok\n", checked(dir))
  end)

  for _, name in ipairs { "config.lua", "policies/own.lua" } do
    it(name .. " brings a warning when anybody may", function()
      local dir = written()
      mode(dir .. "/" .. name, "646")
      local output = checked(dir)
      assert.matches(name:gsub("%p", "%%%0") .. ": anybody may write to this file", output)
      assert.matches("config%.lua: ok\n", output)
    end)
  end

  it("brings a warning when anybody may put another in its place", function()
    local dir = written()
    mode(dir .. "/policies", "777")
    local output = checked(dir)
    assert.matches("policies/own%.lua: anybody may replace this file", output)
    assert.not_matches("config%.lua: anybody", output)
    mode(dir .. "/policies", "1777")
    assert.equal(dir .. "/config.lua: ok\n", checked(dir))
  end)

  it("brings the warning at the start too", function()
    local dir = written()
    scope.write(dir .. "/config.lua", neap.config { origin.start {} })
    mode(dir .. "/config.lua", "666")
    local n = neap.start { config = { path = dir .. "/config.lua" } }
    assert.equal(1, n:count_log "warn .*/config%.lua: anybody may write to this file")
  end)
end)

describe("a process that runs a policy", function()
  it("can gain no privileges, whoever it runs as", function()
    local n = neap.start { config = neap.config { origin.start {} } }
    for _, pid in ipairs(n:children()) do assert.equal("1", status(pid, "NoNewPrivs")) end
  end)

  it("has no capabilities and no groups but its user's", function()
    if not is_root then return pending "needs root" end
    local n = neap.start { config = neap.config({ origin.start {} }, 'user = "nobody"') }
    for _, pid in ipairs(n:children()) do
      for _, set in ipairs { "CapEff", "CapPrm", "CapAmb" } do
        assert.equal(("0"):rep(16), status(pid, set))
      end
      local text = scope.read(("/proc/%d/status"):format(pid))
      assert.equal("65534", text:match "\nGroups:%s*([%d ]-) *\n")
    end
  end)

  it("leaves no core and cannot be traced by its user", function()
    if not is_root then return pending "needs root" end
    if os.getenv "NEAP_SANITIZED" then return pending "the leak check traces its own process" end
    local n = neap.start { config = neap.config({ origin.start {} }, 'user = "nobody"') }
    for _, pid in ipairs(n:children()) do
      assert.equal("65534", status(pid, "Uid"))
      -- of a process that cannot be dumped, root owns the files
      assert.equal(0, stat.stat(("/proc/%d/environ"):format(pid)).st_uid)
    end
  end)
end)
