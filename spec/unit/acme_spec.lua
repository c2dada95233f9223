-- How the agent gets, keeps and renews certificates, with a CA and a clock that are made up.
local fake_ca = require "support.fake_ca"

describe("certificates from a CA", function()
  local world

  before_each(function() world = fake_ca.new() end)

  local function file(pattern)
    for path, bytes in pairs(world.files) do
      if path:find(pattern) then return bytes, path end
    end
  end

  local function start(seconds)
    world:start()
    world:run(seconds or 5)
  end

  it("are got, kept, and shown to the workers of their service", function()
    start()
    assert.equal("valid", world:state("a+test").state)
    assert.equal(1000000 + world.life, math.floor(world:state("a+test").valid_until / 10) * 10)
    assert.equal("CSR a+test", world.csr)
    assert.matches("^pem 1 a%+test %d+\n%-%-%-%-%-BEGIN CERTIFICATE", world.published)
    assert.matches("KEY2\n", world.published)
    assert.equal(world.published:match "\n(.*)\n$", file "/a%+test%-digest%d+%.pem$")
    assert.matches('"kid"', (file "account%-digest"))
    assert.equal(1, #world:said "new certificate, valid until 1970%-04")
  end)

  it("show the answer to a challenge to workers before the CA looks, and no longer", function()
    start()
    assert.matches("^http 1 token%-1 %d+\ntoken%-1%.digest12\n$", world.shown)
    assert.is_nil(world.published:find("token", 1, true))
    world = fake_ca.new { challenge = "tls-alpn-01" }
    start()
    assert.matches("^alpn 1 a%+test %d+\nPROOF a%+test token%-2%.digest12\n$", world.shown)
    assert.is_nil(world.published:find("PROOF", 1, true))
  end)

  it("begin only when the workers that answer serve", function()
    world.is_serving = false
    start(3)
    assert.equal(0, #world.requests)
    world.is_serving = true
    world:run(5)
    assert.equal("valid", world:state("a+test").state)
  end)

  it("are used again after a restart, without a word to the CA", function()
    start()
    local asked = #world.requests
    start()
    assert.equal(asked, #world.requests)
    assert.equal("valid", world:state("a+test").state)
    assert.matches("^pem 1 a%+test", world.published)
  end)

  it("are renewed when a third of their life is left, with the same account", function()
    world.life = 60
    start(2)
    world:run(35)
    assert.equal(1, world:count "POST /new-order")
    world:run(8)
    assert.equal(2, world:count "POST /new-order")
    assert.equal(1, world:count "POST /new-account")
    assert.equal("valid", world:state("a+test").state)
    world:run(600)
    assert.is_true(math.abs(world:count "POST /new-order" - 17) <= 1)
  end)

  it("are asked for again after 5 s, 10 s, up to an hour while the CA is away", function()
    world.is_away = true
    start(1)
    assert.equal("waiting", world:state("a+test").state)
    assert.matches("connect to ca%.test: refused", world:state("a+test").error)
    world:run(5 + 10 + 20 + 3)
    local lines = world:said "no certificate"
    assert.equal(4, #lines)
    assert.matches("^error tls%.acme: a%+test of service web: no certificate: https://ca%.test/"
      .. "directory: connect to ca%.test: refused; none serves yet; next try in 5 s$", lines[1])
    assert.matches("next try in 40 s$", lines[4])
    world:run(4 * 3600)
    assert.matches("next try in 60 min$", world.lines[#world.lines])
    world.is_away = false
    world:run(3600)
    assert.equal("valid", world:state("a+test").state)
    assert.is_nil(world:state("a+test").error)
  end)

  it("serve on when they cannot be renewed", function()
    world.life = 60
    start()
    local before = world.published
    world.is_away = true
    world:run(50)
    assert.equal("valid", world:state("a+test").state)
    assert.equal(before, world.published)
    assert.matches("the one until 1970%-01%-12T.-Z serves on", world:said("no certificate")[1])
  end)

  it("wait as long as a CA that has enough of us says", function()
    world.answers["POST /new-order"] = function(w)
      return w:problem(429, "rateLimited", "too many certificates", { ["retry-after"] = "900" })
    end
    start()
    assert.matches("order: the CA answered 429: rateLimited: too many certificates",
      world:state("a+test").error)
    world:run(880)
    assert.equal(1, world:count "POST /new-order")
    world:run(30)
    assert.equal(2, world:count "POST /new-order")
  end)

  it("take another nonce when the CA does not want the first", function()
    local times = 0
    world.answers["POST /new-order"] = function(w, request)
      times = times + 1
      if times > 2 then return w:usual("POST /new-order", request) end
      return w:problem(400, "badNonce", "old", { ["replay-nonce"] = "fresh" .. times })
    end
    start()
    assert.equal("fresh2", times == 3 and "fresh2")
    assert.equal("valid", world:state("a+test").state)
  end)

  it("register the key again at a CA that has lost the account", function()
    start()
    local key = file "account"
    world.files[select(2, file "a%+test")] = nil
    world.answers["POST /new-order"] = function(w)
      w.answers["POST /new-order"] = nil
      return w:problem(400, "accountDoesNotExist", "who?")
    end
    start()
    assert.equal(2, world:count "POST /new-account")
    assert.equal(key, file "account")
    assert.equal("valid", world:state("a+test").state)
  end)

  it("have one account for all domains, and a failure of one is not another's", function()
    world = fake_ca.new { domains = { "a+test", "b+test" } }
    world.answers["POST /new-order"] = function(w, request)
      if request.payload.identifiers[1].value == "b+test" then
        return w:problem(403, "rejectedIdentifier", "not b")
      end
      return w:usual("POST /new-order", request)
    end
    start()
    assert.equal(1, world:count "POST /new-account")
    assert.equal("valid", world:state("a+test").state)
    assert.equal("waiting", world:state("b+test").state)
    assert.matches("rejectedIdentifier: not b", world:state("b+test").error)
  end)

  it("name a contact and bind an account that exists elsewhere", function()
    world = fake_ca.new { email = "ops@a.test", eab = { id = "kid-1", key = "7365637265" } }
    start()
    assert.same({ "mailto:ops@a.test" }, world.account_request.contact)
    assert.is_true(world.account_request.termsOfServiceAgreed)
    assert.matches("^mac5", world.account_request.externalAccountBinding.signature)
  end)

  it("serve from memory when the storage is full, and say so", function()
    start()
    world.files[select(2, file "a%+test")] = nil
    world:start()
    world.disk_is_full = true
    world:run(5)
    assert.equal("valid", world:state("a+test").state)
    assert.equal(1, #world:said "cannot be written; it is lost with the next reload")
  end)

  it("are asked for anew when a stored one is damaged", function()
    start()
    local _, path = file "a%+test"
    world.files[path] = "garbage"
    start()
    assert.equal(1, #world:said "^warn .*the stored file has no certificate")
    assert.equal("valid", world:state("a+test").state)
  end)

  it("that workers have no room for wait without another order, and are in nobody's way", function()
    world = fake_ca.new { domains = { "a+test", "b+test" } }
    start()
    local both = #world.published
    world.room, world.files = both - 1, {}
    start()
    assert.is_true(#world.published < both)
    local first, second = world:state "a+test", world:state "b+test"
    assert.equal("valid", first.state == "valid" and first.state or second.state)
    assert.is_false(first.state == second.state)
    assert.matches("exceed what workers take", first.error or second.error)
    local orders = world:count "POST /new-order"
    world:run(60)
    assert.equal(orders, world:count "POST /new-order")
    world.room = both
    world:run(120)
    assert.equal(orders, world:count "POST /new-order")
    assert.same({ "valid", "valid" }, { world:state("a+test").state, world:state("b+test").state })
  end)
end)
