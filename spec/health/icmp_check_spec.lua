-- Pings, in network namespaces of their own, where sysctls and raw sockets harm nobody.
local unistd = require "posix.unistd"
local eventually = require "support.eventually"
local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

local PONGER = unistd.getcwd() .. "/spec/support/ponger.lua"
local NOBODY_MAY_NOT = "1 0"

-- unshare, ip and the sysctls need root.
local is_able = unistd.geteuid() == 0
  and process.run { argv = { "unshare", "-n", "ip", "link", "set", "lo", "up" } } == 0
local test = is_able and it or pending
local has_v6 = unistd.access("/proc/net/if_inet6", "r") ~= nil

local CONFIG = [[return {
  listen = "127.0.0.1:0", workers = 1, %s
  backends = { "http://127.0.0.2:1", %s },
  health = { type = "icmp", timeout = %g, interval = 30 },
}]]

describe("the icmp check", function()
  -- Without a user it is root's raw socket, with one a ping socket.
  local function run(options)
    local dir = scope.directory()
    scope.write(dir .. "/config.lua", CONFIG:format(options.user and 'user = "nobody",' or "",
      options.v6 and '"http://[::1]:1"' or "", options.timeout or 5))
    process.run { argv = { "chmod", "755", dir } }
    local lines = {
      "ip link set lo up",
      ("echo '%s' > /proc/sys/net/ipv4/ping_group_range"):format(options.groups or NOBODY_MAY_NOT),
    }
    if options.ponger then
      table.insert(lines, "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")
      table.insert(lines, ("luajit %s %s &"):format(PONGER, options.ponger))
    end
    local binary = options.user and neap.open_binary() or neap.binary
    table.insert(lines, ("exec %s %s -c %s/config.lua"):format(binary, options.args or "", dir))
    return process.spawn {
      argv = { "unshare", "-n", "sh", "-c", table.concat(lines, "\n") }, name = "neap",
    }
  end

  local function says(options, pattern)
    local one = run(options)
    local found
    eventually(function()
      found = one:stderr():match(pattern)
      return found
    end, 10, pattern)
    one:kill_group "TERM"
    one:wait()
    return found
  end

  for name, options in pairs {
    ["a raw socket"] = {}, ["a ping socket"] = { user = true, groups = "0 65534" },
  } do
    test("pings over " .. name, function()
      says(options, "http://127%.0%.0%.2:1 checked ok by healthcheck")
      if not has_v6 then return end
      options.v6 = true
      says(options, "http://%[::1%]:1 checked ok by healthcheck")
    end)

    test("believes a right answer over " .. name, function()
      says({ user = options.user, groups = options.groups, ponger = "right" },
        "127%.0%.0%.2:1 checked ok by healthcheck")
    end)

    for _, kind in ipairs { "nonce", "short", "sequence", "id", "address",
      "request" } do
      test(("does not believe another %s over %s"):format(kind, name), function()
        says({ user = options.user, groups = options.groups, ponger = kind, timeout = 0.3 },
          "Unreachable to 127%.0%.0%.2:1, error:no answer to a ping in 0%.3 s")
      end)
    end
  end

  test("is refused where it is not allowed, at once", function()
    local why = "ICMP is not allowed here: the group 65534 is not in net%.ipv4%.ping_group_range "
      .. "%(1 0%), and there is no CAP_NET_RAW"
    says({ user = true }, "neap: %S+/config%.lua: health: " .. why)
    says({ user = true, args = "-t" }, "/config%.lua: health: " .. why)
  end)

  test("is no mistake where it is allowed", function()
    local one = run { user = true, groups = "0 65534", args = "-t" }
    assert.equal(0, one:wait())
    assert.matches("config%.lua: ok", one:stdout())
  end)

  it("does not go with a unix socket", function()
    local code, out = neap.check(neap.config({ "unix:/tmp/a" }, 'health = { type = "icmp" }'))
    assert.equal(1, code)
    assert.matches("backends%[1%]: a unix socket cannot be pinged", out)
  end)
end)
