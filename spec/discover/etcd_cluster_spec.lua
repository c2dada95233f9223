-- `discover = { type = "etcd" }` with a cluster of three: members die, and lose each other.
local admin = require "support.admin"
local null = require("cjson").null
local discovered = require "support.discovered"
local etcd = require "support.etcd"
local eventually = require "support.eventually"
local process = require "support.process"

local test = etcd.is_there and it or pending

describe("a cluster of etcd", function()
  local function start(all)
    local urls = {}
    for i, e in ipairs(all) do urls[i] = ("%q"):format(e.url) end
    return discovered.start(('type = "etcd", endpoints = { %s }, prefix = "/web/"')
      :format(table.concat(urls, ", ")))
  end

  local function shows(n, wanted) discovered.shows(n, { wanted }, 30) end

  test("is followed over the death of each member in turn", function()
    local all = etcd.cluster(3)
    all[1]:put("/web/1", "127.0.0.1:1")
    local n = start(all)
    shows(n, "127.0.0.1:1")
    for i = 1, 3 do
      all[i]:kill()
      local other = all[i % 3 + 1]
      eventually(function() return other:ctl("put", "/web/1", "127.0.0.1:" .. 10 + i) end, 30)
      shows(n, "127.0.0.1:" .. 10 + i)
      all[i]:again()
    end
  end)

  test("leaves a member that has lost the others", function()
    local all = etcd.cluster(3)
    all[2]:put("/web/1", "127.0.0.1:1")
    local n = start(all)
    shows(n, "127.0.0.1:1")
    process.signal(all[2].process.pid, "STOP")
    process.signal(all[3].process.pid, "STOP")
    n:wait_log("stay as they are", 60)
    process.signal(all[2].process.pid, "CONT")
    process.signal(all[3].process.pid, "CONT")
    eventually(function() return all[2]:ctl("put", "/web/1", "127.0.0.1:2") end, 30)
    shows(n, "127.0.0.1:2")
    eventually(function() return admin.status(n).pools[1].discover.error == null end, 30)
  end)

  test("is not mixed with another one", function()
    local one, other = etcd.start(), etcd.start()
    one:put("/web/1", "127.0.0.1:1")
    other:put("/web/1", "127.0.0.1:2")
    local n = start { one, other }
    shows(n, "127.0.0.1:1")
    one:kill()
    n:wait_log("it belongs to another etcd cluster", 30)
    shows(n, "127.0.0.1:1")
  end)
end)
