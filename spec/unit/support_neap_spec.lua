local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

-- A stand-in for the binary: the rules of start and stop do not need the real one.
describe("neap.start", function()
  local binary = neap.binary

  local function stand_in(body)
    local path = scope.directory() .. "/stand-in"
    local idle = "\nwhile :; do sleep 0.05; done\n"
    scope.write(path, "#!/bin/sh\ntrap 'exit 0' TERM\n" .. body .. idle)
    assert(process.run { argv = { "chmod", "755", path } } == 0)
    neap.binary = path
  end

  local READY = "echo '2026-11-22T18:46:52.123Z info ready: http 127.0.0.1:43211, "
    .. "http [::1]:5333, http unix:/p; 2 workers' >&2"

  after_each(function() neap.binary = binary end)

  it("reads the addresses of the ready line", function()
    stand_in(READY)
    local n = neap.start { config = "return {}" }
    assert.same({ 43211, 5333, false }, n.ports)
    assert.same({ "127.0.0.1:43211", "[::1]:5333", "unix:/p" }, n.addresses)
    n:stop()
  end)

  it("fails with the log if it died, or with the wrong code", function()
    stand_in "echo 'no such port' >&2; exit 1"
    local ok, err = pcall(neap.start, { config = "return {}" })
    assert.is_false(ok)
    assert.matches("no such port", err)
    assert.matches("no such", neap.start({ config = "return {}", expect_exit = 1 }):log())
  end)

  it("complains of error lines that nobody expected", function()
    stand_in("echo '2026-11-22T18:46:52.123Z error worker: it broke' >&2; " .. READY)
    local n = neap.start {}
    local ok, err = pcall(n.stop, n)
    assert.is_false(ok)
    assert.matches("it broke", err)
    n:allow "it broke"
    n:stop()
  end)
end)
