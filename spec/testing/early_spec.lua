-- The hooks that come before requests, and certificates of clients, in the test kit.

local testing = require "neap.testing"

local PEM = "-----BEGIN CERTIFICATE-----\nAAEC\nAwQF\n-----END CERTIFICATE-----\n"

local function pool(policy, options)
  local all = { policy = policy }
  for key, value in pairs(options or {}) do all[key] = value end
  return testing.pool(2, all)
end

describe("pool:connection", function()
  it("tells whether the policy lets a client in", function()
    local seen
    local p = pool { connection = function(connection)
      seen = ("%s:%d %s"):format(connection.client_ip, connection.client_port, connection.service)
      if connection.client_ip:find "^10%." then return "close" end
    end }
    assert.is_true(p:connection { client_ip = "192.0.2.1", client_port = 7 })
    assert.matches("^192.0.2.1:7 %S+", seen)
    assert.is_false(p:connection { client_ip = "10.0.0.1" })
    assert.is_true(pool({}):connection())
  end)

  it("fails the spec when the hook errs, or tells what neap would do", function()
    local function broken() error "no list" end
    assert.error_matches(function() pool({ connection = broken }):connection() end,
      "no list")
    assert.error_matches(function()
      pool({ connection = function() return "no" end }):connection()
    end, 'expected nothing, or "close"')
    assert.is_true(pool({ connection = broken }, { contain = true }):connection())
    assert.is_false(pool({ connection = broken }, { contain = true, on_error = "refuse" })
      :connection())
    assert.is_false(pool({ connection = broken }, { contain = true, guard = true }):connection())
  end)

  it("ends a hook that does not return", function()
    assert.error_matches(function()
      pool({ connection = function() while true do end end }):connection()
    end, "ran for more than")
  end)

  it("knows no other fields", function()
    assert.error_matches(function() pool({}):connection { ip = "a" } end, "has no 'ip'")
    assert.error_matches(function() pool({}):connection { client_ip = 1 } end, "must be a string")
  end)
end)

describe("pool:certificate", function()
  it("gives what the hook gives for a hello", function()
    local neap = require "neap"
    local fixed, seen = neap.certificate { certificate = PEM }
    local p = pool { certificate = function(hello)
      seen = { hello.sni, hello.alpn and hello.alpn[2], hello.versions[1], hello.ja4,
        hello.client_ip }
      if hello.sni == "fixed.test" then return fixed end
      local key = hello.sni and "key of " .. hello.sni
      return key and neap.certificate { certificate = PEM, key = key }
    end }
    assert.same({ certificate = PEM, key = "key of a.test" }, p:certificate { sni = "a.test",
      alpn = { "h2", "http/1.1" }, ja4 = "t13d", client_ip = "192.0.2.1" })
    assert.same({ "a.test", "http/1.1", "TLSv1.3", "t13d", "192.0.2.1" }, seen)
    assert.same({ certificate = PEM }, p:certificate { sni = "fixed.test" })
    assert.is_nil(p:certificate())
    assert.is_nil(pool({}):certificate { sni = "a.test" })
  end)

  it("lets the hook wait", function()
    local p = pool({ certificate = function()
      require("neap").sleep(2)
      return require("neap").certificate { certificate = PEM }
    end }, { time = 100 })
    assert.equal(PEM, p:certificate({}).certificate)
    assert.equal(102, p:now())
  end)

  it("fails the spec when the hook errs, or falls back as neap does", function()
    local function broken() return "a text" end
    assert.error_matches(function() pool({ certificate = broken }):certificate() end,
      "certificate returned a string")
    assert.is_nil(pool({ certificate = broken }, { contain = true, guard = true }):certificate())
  end)
end)

describe("a client's certificate", function()
  it("goes to the backend as Client-Cert, and what clients send by that name does not", function()
    local p = pool({ request = function(r) assert(not r:header "client-cert") end })
    local headers = { ["Client-Cert"] = ":AAAA:", ["client-cert-chain"] = "x" }
    local sent = p:send({ headers = headers, tls = { client = { certificate = PEM } } }).sent
    assert.equal(":AAECAwQF:", sent.headers["client-cert"])
    assert.is_nil(sent.headers["client-cert-chain"])
    assert.is_nil(p:send({ headers = headers }).sent.headers["client-cert"])
    local bad = { client = { certificate = PEM, verified = false } }
    assert.is_nil(p:send({ tls = bad }).sent.headers["client-cert"])
  end)

  it("is the policy's to leave out", function()
    local p = pool { request = function(r) r:set_header("Client-Cert", nil) end }
    assert.is_nil(p:send({ tls = { client = { certificate = PEM } } }).sent.headers["client-cert"])
  end)
end)
