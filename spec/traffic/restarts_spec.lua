local eventually = require "support.eventually"
local neap = require "support.neap"
local nginx = require "support.nginx"
local process = require "support.process"

local function pause(seconds) eventually.pause(seconds, "traffic between two restarts") end

describe("real traffic #slow", function()
  it("has no failed GET while one server is killed and started again each second", function()
    local webs, urls = {}, {}
    for index = 1, 4 do
      webs[index] = nginx.start { name = "web" .. index }
      urls[index] = webs[index].url
    end
    local n = neap.start { config = neap.config(urls, "workers = 2") }
    local wrk = process.spawn {
      argv = { "wrk", "-t1", "-c64", "-d6s", "--timeout", "5s", "http://" .. n.address .. "/" },
    }
    local turn = 0
    while wrk:alive() do
      local web = webs[turn % 4 + 1]
      pause(0.6)
      web:kill()
      pause(0.4)
      web:start_again()
      turn = turn + 1
    end
    assert.equal(0, (wrk:wait(10)))
    local report = wrk:stdout()
    assert.is_nil(report:match "Socket errors[^\n]*")
    assert.is_nil(report:match "Non%-2xx[^\n]*")
    assert.is_true(tonumber(report:match "(%d+) requests in") > 1000)
    assert.is_true(n:count_log "is dead%.$" > 0)
  end)
end)
