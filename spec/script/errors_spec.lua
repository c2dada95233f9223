local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local function start(policy, web, more)
  return neap.start {
    config = neap.config(web, ('policy = "policy.lua", health = { type = "none" } %s')
      :format(more or "")),
    files = { ["policy.lua"] = 'local neap = require "neap"\n' .. policy },
    allow = { "hook %a+ of service" },
  }
end

-- What a hook may do wrong → what the log says.
local mistakes = {
  { "raise an error", "error 'boom'", "policy%.lua:3: boom" },
  { "raise a table", "error {}", "the error is a table" },
  { "assign an undeclared global", "x = 1", "policy%.lua:3: assigning undeclared global 'x'" },
  { "forget to require a module", "return json.encode {}",
    "undeclared global 'json' %(is `local json = require \"neap.json\"` missing%?%)" },
  { "read an undeclared global", "return y", "policy%.lua:3: reading undeclared global 'y'" },
  { "return what is no backend", "return 42", "pick returned a number" },
  { "return a bad reason", "return nil, {}", "pick returned nil and a table" },
  { "ask for a field that is not there", "return request.pth", "did you mean 'path'" },
  { "ask a pool for what it does not have", "return pool:leastloaded()",
    "policy%.lua:3: pool has no 'leastloaded'; did you mean 'least_loaded'" },
  { "call a pool's method with a dot", "local b = pool.least_loaded() return b",
    "policy%.lua:3: pool%.least_loaded.*called with a colon, pool:least_loaded" },
  { "count with a dot", "local c = pool.counter 'x' return c",
    "policy%.lua:3: pool%.counter.*colon" },
  { "call a counter with a dot", "local n = pool:counter('x').next() return n",
    "policy%.lua:3: the methods of a counter are called with a colon" },
  { "call a backend's method with a dot", "pool[1].down 'slow'",
    "policy%.lua:3: backend%.down.*called with a colon, backend:down" },
  { "call a request's method with a dot", "request.set_header('x', 'y')",
    "policy%.lua:3: request%.set_header.*called with a colon" },
  { "assign a field", "request.path = '/'", "request%.path cannot be assigned" },
  { "change framing", "request:set_header('content-length', '1')", "belongs to the connection" },
  { "split a header", "request:set_header('x', 'a\\r\\nb: c')", "bytes that a header cannot have" },
  { "set no path", "request:set_path 'x y'", "is not a path" },
  { "yield by hand", "coroutine.yield(1)", "yield outside of a coroutine of your own" },
  { "wait in a coroutine of its own", "coroutine.wrap(function() neap.sleep(1) end)()",
    "a coroutine of your own cannot wait" },
  { "give a text as a timeout", "return (neap.tcp.connect('127.0.0.1:1', 'soon'))",
    "policy%.lua:3: a timeout must be a number of seconds above 0, and this is .*soon" },
  { "call the system", "return os.execute 'true'", "os%.execute is not here" },
  { "read files", "return io.open '/etc/passwd'",
    "reading undeclared global 'io' %(not here without unsafe = true in the config%)" },
  { "hash nothing, in a return", "return pool:hash(nil)",
    "pick of service %S+: hash%(key%): key must be a string, not nil %(in a call after return" },
  { "load bytecode", "return assert(load('\\27LJ'))", "attempt to load chunk with wrong mode" },
  { "require ffi", "return require 'ffi'", "module 'ffi' is neither neap's" },
  { "reach the strings of others", "getmetatable('').__index.upper = nil",
    "attempt to index a boolean value" },
  { "take the system's clock", "local t = os.time() return t", "hooks have neap%.now" },
}

describe("an error in a hook", function()
  local web

  before_each(function() web = origin.several(2) end)

  for _, mistake in ipairs(mistakes) do
    it("is logged, and the default decides: " .. mistake[1], function()
      local policy = "return { pick = function(request, pool)\n%s\nend }"
      local n = start(policy:format(mistake[2]), web)
      assert.equal("web1", n:get("/").body)
      assert.equal("web2", n:get("/").body)
      n:wait_log(mistake[3])
    end)
  end

  it("in request, failed, response and log leaves the request alone", function()
    local n = start([[return {
      request = function() error "in request" end,
      response = function() error "in response" end,
      log = function() error "in log" end,
    }]], web)
    assert.equal("web1", n:get("/").body)
    for _, hook in ipairs { "request", "response", "log" } do
      n:wait_log(("hook %s of service .*in %s"):format(hook, hook))
    end
  end)

  it("is logged once a second, with a count of those left out", function()
    local n = start("return { response = function() error 'again' end }", web)
    for _ = 1, 4 do n:get "/" end
    assert.equal(1, n:count_log "again")
    eventually.always(function() return n:count_log "again" == 1 end, 1.1)
    n:get "/"
    n:wait_log "again.* %(3 more such lines were left out%)"
  end)

  it("trips a hook that keeps failing", function()
    local n = start("return { pick = function() error 'again' end }", web)
    for _ = 1, 20 do assert.equal(200, n:get("/").status) end
    n:wait_log "keeps failing: it is left out for now and the default decides"
  end)

  it("refuses where on_error says so, tripped or not", function()
    local n = start("return { pick = function() error 'again' end }", web, ', on_error = "refuse"')
    for _ = 1, 10 do assert.equal(503, n:get("/").status) end
    assert.same({}, web[1]:requests())
  end)

  it("is not made by a hook that may not wait without its message", function()
    local n = start("return { response = function() neap.sleep(1) end }", web)
    assert.equal(200, n:get("/").status)
    n:wait_log "neap%.sleep: this hook may not wait"
  end)
end)

describe("unsafe = true", function()
  it("gives policies the whole library", function()
    local web = origin.several(1)
    local n = neap.start {
      config = neap.config(web, 'unsafe = true, policy = "policy.lua"'),
      files = { ["policy.lua"] = [[
        local ffi = require "ffi"
        return { request = function()
          return require("neap").reply { body = type(io.open) .. type(os.execute) .. ffi.os }
        end }]] },
    }
    assert.equal("functionfunctionLinux", n:get("/").body)
  end)
end)
