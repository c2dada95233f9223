-- What `tls.acme` in a config may say, and what is said of mistakes.
local neap = require "support.neap"
local scope = require "support.scope"
local stat = require "posix.sys.stat"

local CONFIG = [[
return { services = { { name = "web", mode = "%s", listen = %s, backends = { "%s://127.0.0.1:1" },
  tls = { acme = { %s } } } } }
]]
local BOTH = '{ { address = "127.0.0.1:0", tls = false }, "127.0.0.1:0" }'
local GOOD = 'domains = { "a.test" }, storage = "store", agree = true'

-- What `neap -t` says, and with which code.
local function check(acme, listen, mode)
  local code, said = neap.check(CONFIG:format(mode or "http", listen or BOTH,
    mode == "tcp" and "tcp" or "http", acme))
  return said, code
end

describe("tls.acme in a config", function()
  it("is fine with domains, a storage, and the word that you agree", function()
    for _, more in ipairs { "", ', challenge = "tls-alpn-01"', ', email = "ops@a.test"',
      ', directory = "https://ca.test/dir"', ', eab = { id = "one", key = "c2VjcmV0LXNlY3JldA" }',
      ', directory = "http://127.0.0.1:1/dir"' } do
      local said, code = check(GOOD .. more)
      assert.equal(0, code, said)
    end
    local said, code = check(GOOD .. ', challenge = "tls-alpn-01"', '"127.0.0.1:0"')
    assert.equal(0, code, said)
    said, code = check(GOOD .. ', challenge = "tls-alpn-01"', '"127.0.0.1:0"', "tcp")
    assert.equal(0, code, said)
  end)

  it("names the key and the reason of what is wrong", function()
    local key = "services%[1%]%.tls%.acme"
    for _, case in ipairs {
      { 'domains = {}, storage = "s", agree = true', key .. "%.domains: the list is empty" },
      { 'storage = "s", agree = true', key .. "%.domains: the list is empty" },
      { 'domains = { "a.test" }, agree = true', key .. "%.storage: missing" },
      { 'domains = { "a.test" }, storage = "s"', key .. "%.agree: .*terms of service" },
      { 'domains = { "a.test" }, storage = "s", agree = false', key .. "%.agree: " },
      { 'domains = { "a.test", "*.a.test" }, storage = "s", agree = true',
        key .. "%.domains%[2%]: .*wildcard" },
      { 'domains = { "192.0.2.1" }, storage = "s", agree = true', "is no host name" },
      { 'domains = { "a b" }, storage = "s", agree = true', "is no host name" },
      { 'domains = { "-a.test" }, storage = "s", agree = true', "is no host name" },
      { 'domains = { "../a" }, storage = "s", agree = true', "is no host name" },
      { 'domains = { "b\195\188cher.test" }, storage = "s", agree = true', "xn%-%-" },
      { GOOD .. ', directory = "ca.test"', key .. "%.directory: .*no URL" },
      { GOOD .. ', directory = "ftp://ca.test/"', key .. "%.directory: .*no URL" },
      { GOOD .. ', challenge = "dns-01"', key .. "%.challenge: " },
      { GOOD .. ', ca = "nope.pem"', key .. "%.ca: .*nope%.pem: cannot be opened" },
      { GOOD .. ', eab = { id = "one" }', key .. "%.eab%.key: missing" },
      { GOOD .. ', eab = { id = "one", key = "not base64!" }', key .. "%.eab%.key: " },
    } do
      local said, code = check(case[1])
      assert.equal(1, code, case[1])
      assert.matches(case[2], said)
    end
  end)

  it("needs a plain address for http-01", function()
    local said, code = check(GOOD, '"127.0.0.1:0"')
    assert.equal(1, code)
    assert.matches("services%[1%]%.tls%.acme%.challenge: http%-01 is answered in the clear", said)
    said, code = check(GOOD, BOTH, "tcp")
    assert.equal(1, code)
    assert.matches("this is a tcp service", said)
  end)

  it("does not show the key of an account", function()
    local said = check(GOOD .. ', eab = { id = "one", key = "c2VjcmV0 secret" }')
    assert.is_nil(said:find("c2VjcmV0", 1, true))
  end)

  it("is refused by neap -t when its user cannot write to the storage", function()
    local dir = scope.directory()
    stat.chmod(dir, tonumber("555", 8))
    local code, said = neap.check('return { user = "nobody", services = { { listen = ' .. BOTH
      .. ', backends = { "http://127.0.0.1:1" }, tls = { acme = { domains = { "a.test" }, '
      .. ('storage = "%s/store", agree = true } } } } }'):format(dir))
    assert.equal(1, code)
    assert.matches("services%[1%]%.tls%.acme%.storage: files cannot be made in .*Permission denied "
      .. "%(give it to the user nobody%)", said)
  end)
end)
