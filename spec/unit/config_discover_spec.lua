local case = require "unit.config_case"

local ETCD = 'discover = { type = "etcd", prefix = "/web/", %s }'

local function why(more)
  local config, reason = case.load(("return { %s }"):format(ETCD:format(more)))
  assert.is_nil(config, more)
  return reason
end

describe("discover = { type = 'etcd' }", function()
  it("takes a user with a password, and neither without the other", function()
    assert.is_table(case.load(("return { %s }"):format(ETCD:format 'user = "a", password = "b"')))
    assert.is_table(case.load(("return { %s }"):format(ETCD:format "")))
    assert.truthy(why('user = "a"'):find("discover.password: missing (a user needs a password)", 1,
      true))
    assert.truthy(why('password = "b"'):find("discover.user: missing", 1, true))
  end)

  it("takes URLs", function()
    local reason = why 'endpoints = { "h:2379" }'
    assert.truthy(reason:find("discover.endpoints[1]: 'h:2379' is not a URL", 1, true), reason)
  end)
end)
