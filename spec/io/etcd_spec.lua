-- neap.io.etcd, on which discovery and what balancers share stand: keys, leases and transactions of
-- a real etcd.
local etcd = require "support.etcd"
local eventually = require "support.eventually"
local hook_code = require "support.hook_code"

local test = etcd.is_there and it or pending

describe("the client of etcd", function()
  -- The code has the client as `c`; what it returns is the answer.
  local function ask(e, code)
    return (hook_code.run(([[ local c = require("neap.io.etcd").new { endpoints = { %q } }
      local base64 = require "neap.text.base64" ]]):format(e.url) .. code, {},
      { config = ", unsafe = true" }))
  end

  test("writes, reads and deletes keys", function()
    local e = etcd.start()
    assert.equal("1 a b 0", ask(e, [[
      assert(c:put("/x/a", "b"))
      assert(c:put("/y/a", "other"))
      local found = assert(c:range "/x/")
      local pair = found.pairs[1]
      assert(c:delete "/x/a")
      return #found.pairs .. " " .. pair.key:sub(4) .. " " .. pair.value .. " "
        .. c:range("/x/").count ]]))
  end)

  test("has keys that go with their lease", function()
    local e = etcd.start()
    assert.equal("true true", ask(e, [[
      local lease = assert(c:grant(2))
      assert(c:put("/lease/a", "1", lease))
      local left = assert(c:keep_alive(lease))
      return tostring(left > 0 and left <= 2) .. " " .. tostring(c:range("/lease/").count == 1) ]]))
    assert.equal("1\n", e:ctl("get", "--print-value-only", "/lease/a"))
    eventually(function() return e:ctl("get", "/lease/a") == "" end, 20)
  end)

  test("ends a lease, and is told of one that has ended", function()
    local e = etcd.start()
    assert.equal("0 0", ask(e, [[
      local lease = assert(c:grant(60))
      assert(c:put("/lease/b", "1", lease))
      assert(c:revoke(lease))
      return c:range("/lease/").count .. " " .. c:keep_alive(lease) ]]))
    assert.equal("false true", ask(e, [[
      local ok, why = c:revoke "7"
      return tostring(ok or false) .. " " .. tostring(why:find "not found" ~= nil) ]]))
    assert.equal("false true", ask(e, [[
      local ok, why = c:put("/lease/c", "1", "7")
      return tostring(ok or false) .. " " .. tostring(why:find "not found" ~= nil) ]]))
  end)

  test("takes a key in a transaction only if nobody else has", function()
    local e = etcd.start()
    local take = [[
      local key = base64.encode "/lock"
      local function take(who)
        local ok, responses = c:txn {
          compare = { { key = key, target = "CREATE", createRevision = "0" } },
          success = { { requestPut = { key = key, value = base64.encode(who) } } },
          failure = { { requestRange = { key = key } } },
        }
        local range = responses[1] and responses[1].response_range
        return tostring(ok) .. (range and " " .. base64.decode(range.kvs[1].value) or "")
      end
      return take "one" .. "; " .. take "two" ]]
    assert.equal("true; false one", ask(e, take))
  end)

  test("says why, with the server's name", function()
    local e = etcd.start()
    assert.equal("true", ask(e, ([[
      local other = require("neap.io.etcd").new { endpoints = { "http://127.0.0.1:1", %q } }
      return tostring(other:put("a", "b") ~= nil) ]]):format(e.url)))
    local why = ask(e, [[
      local other = require("neap.io.etcd").new { endpoints = { "http://127.0.0.1:1" } }
      return select(2, other:txn {}) ]])
    assert.is_truthy(why:find("http://127.0.0.1:1: ", 1, true), why)
    assert.is_truthy(why:find "refused", why)
  end)
end)
