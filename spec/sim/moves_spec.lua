-- Which clients move when backends come and go.

local sim = require "support.sim"

local FLAGS = "--balancers 5 --backends 50 --rate 2000 --clients 2000 --duration 8 "
  .. "--service fixed:1ms --concurrency 10"

local function moved(policies, ...)
  local args = { FLAGS }
  for _, policy in ipairs(policies) do
    table.insert(args, "--policy")
    table.insert(args, policy)
  end
  for _, event in ipairs { ... } do
    table.insert(args, "--event")
    table.insert(args, event)
  end
  local list = {}
  for i, policy in ipairs(sim.run(args).policies) do
    assert.equal(0, policy.errors)
    list[i] = policy.moved
  end
  return unpack(list, 1, #policies)
end

local function is_small_disruption(m, due)
  assert.equal("client", m.key)
  assert.is_true(m.seen > 1900)
  sim.near(due, m.due, 0.15)
  assert.is_true(m.moved >= m.due * 0.9 and m.moved <= m.due * 1.1, m.moved .. " of " .. m.due)
end

describe("neap sim counts who moved:", function()
  it("by hashes hardly more than had to, when backends leave", function()
    local source, maglev = moved({ "source", "source maglev=true" }, "4s b11-b15 leave")
    is_small_disruption(source, 0.1)
    is_small_disruption(maglev, 0.1)
    assert.equal(source.due, source.moved)
  end)

  it("by hashes hardly more than the share of those that join", function()
    local source = moved({ "source" }, "4s b11-b30 join")
    is_small_disruption(source, 0.4)
  end)

  it("by cookies, which all balancers know, only those whose backend is gone", function()
    local cookie = moved({ "cookie key=a-secret-of-all" }, "4s b11-b15 down")
    is_small_disruption(cookie, 0.1)
    local draining = moved({ "cookie key=a-secret-of-all" }, "4s b11-b15 drain")
    assert.equal(0, draining.moved)
    assert.is_true(draining.due > 0.08)
  end)

  it("none where a policy keeps neither clients nor paths, or nothing comes or goes", function()
    assert.equal(require("cjson").null, moved({ "round_robin" }, "4s b11-b15 leave"))
    assert.is_nil(moved({ "source" }, "4s b11 slow:2"))
  end)

  it("in a table of its own", function()
    local text = sim.text { "--policy source --backends 10 --rate 500 --duration 4", "--event",
      "2s b1 leave" }
    assert.matches("moved +keys +seen +moved +had to", text)
    assert.matches("source +clients +%d+ +%d+ %% +%d+ %%", text)
  end)

  it("refuses backends that leave twice, or join without having left", function()
    assert.matches("'3s b2 leave': b2 has left already by then", sim.fails { "--duration 9",
      "--event", "1s b1-b2 leave", "--event", "3s b2 leave" })
    assert.matches("'5s b1 join': b1 is there already by then", sim.fails { "--duration 9",
      "--event", "1s b1 join", "--event", "5s b1 join" })
  end)
end)
