local origin = require "support.origin"
local replay = require "support.replay"
local scope = require "support.scope"
local neap = require "support.neap"
local process = require "support.process"

local HASH = [[
return { pick = function(request, pool) return pool:hash(request.path) end }
]]

describe("neap replay", function()
  local recorded = {} -- policy → path of a recording of its traffic

  -- 24 requests on two workers, one backend of three dead.
  local function record(policy)
    local o = origin.several(2)
    local n = replay.start({ o[1], 1, o[2] }, ('policy = %q, workers = 2'):format(policy))
    n:allow "dead"
    local path = replay.record(n, { "--count", 24 }, function()
      for i = 1, 24 do n:get("/p" .. i % 7) end
    end)
    local text = scope.read(path)
    return text
  end

  local function recording(policy)
    recorded[policy] = recorded[policy] or record(policy)
    local path = scope.directory() .. "/r.jsonl"
    scope.write(path, recorded[policy])
    return path
  end

  for _, policy in ipairs { "round_robin", "random", "least_connections", "hash", "two_choices" } do
    it("finds no difference with the policy that decided: " .. policy, function()
      local result = replay.json(recording(policy), policy)
      assert.same({}, result.rows)
      assert.equals(24, result.requests)
      assert.is_true(result.decisions >= 24)
      assert.equals(0, result.bad_lines.count)
    end)
  end

  it("shows where another policy decides otherwise", function()
    local path = recording "round_robin"
    local result = replay.json(path, HASH)
    assert.is_true(result.different > 5 and result.different <= result.decisions)
    assert.equals(math.min(result.different, 20), #result.rows)
    local row = result.rows[1]
    assert.are_not.equals(row.before, row.now)
    assert.is_truthy(row.request:find "^GET /p%d")
    local sum = 0
    for _, share in ipairs(result.shares) do sum = sum + share.now end
    assert.is_true(math.abs(sum - 1) < 1e-6)
    local text = replay.run(path, HASH, { "--rows", "1" })
    assert.is_truthy(text:find("decides otherwise than recorded in " .. result.different, 1, true))
    assert.is_truthy(text:find("and %d+ more\n"))
  end)

  it("makes the stores that a policy's file names", function()
    local result = replay.json(recording "round_robin", [[
      local neap = require "neap"
      local seen = neap.shared "seen"
      return { request = function()
        if seen:increment("n", 1, 0) > 20 then return neap.reply { status = 429 } end
      end }]])
    assert.equals(24, result.requests)
    assert.equals(4, result.requests_different)
  end)

  it("compares two policies with each other, and says the same again", function()
    local path = recording "round_robin"
    local first = replay.run(path, "hash", { "--against", "hash", "--json" })
    assert.is_truthy(first:find('"different": 0', 1, true))
    local a = replay.run(path, "random", { "--against", "hash" })
    assert.equals(a, replay.run(path, "random", { "--against", "hash" }))
    assert.is_truthy(a:find("decides otherwise than hash", 1, true))
  end)

  it("shows errors of hooks", function()
    local result = replay.json(recording "round_robin", [[
return { pick = function(request, pool)
  if request.path == "/p3" then error "not p3" end
  return pool:round_robin()
end }
]])
    assert.is_true(result.errors.count >= 3)
    assert.equals("pick", result.errors.hook)
    assert.is_truthy(result.errors.first:find("not p3", 1, true))
  end)

  it("counts broken lines, and goes on", function()
    local path = recording "round_robin"
    local text = scope.read(path)
    local at = text:find('\n{"request"', 1, true)
    local cut = text:sub(1, at + 60) .. "\nnonsense" .. text:sub(at)
    scope.write(path, cut)
    local result = replay.json(path, "round_robin")
    assert.equals(2, result.bad_lines.count)
    assert.equals(24, result.requests)
    assert.equals(0, result.different)
    assert.is_truthy(replay.run(path, "round_robin")
      :find "2 lines of no use; the first is line %d+")
  end)

  it("refuses what is no recording, and bad wishes", function()
    local path = scope.directory() .. "/x"
    local function fails(policy, args)
      local code, stdout, stderr = replay.call(path, policy, args)
      assert.equals(1, code)
      assert.equals("", stdout)
      return stderr
    end
    assert.is_truthy(fails("hash"):find("No such file", 1, true))
    scope.write(path, "hello\n")
    assert.is_truthy(fails("hash"):find("first line is missing", 1, true))
    path = recording "round_robin"
    assert.is_truthy(fails("hsh"):find("--policy", 1, true))
    assert.is_truthy(fails("return {"):find("policy.lua", 1, true))
    assert.is_truthy(fails("hash", { "--rows", "0" }):find("--rows: '0'", 1, true))
    assert.is_truthy(fails("hash", { "--row" }):find("unknown flag '--row'", 1, true))
    scope.write(path, scope.read(path):match "^[^\n]*\n")
    assert.is_truthy(fails("hash"):find("no request in it", 1, true))
  end)

  it("makes a spec of them that passes under busted, and fails for another policy", function()
    local dir = scope.directory()
    local path = recording "round_robin"
    local function busted()
      local p = process.spawn { argv = { "busted", "--lua=luajit", "fixture" }, cwd = dir,
        dir = dir, name = "busted" }
      return p:wait(20), p:stdout() .. p:stderr()
    end
    scope.write(dir .. "/policy.lua", HASH)
    local code, _, stderr = neap.run({ "replay", path, "--policy", "policy.lua", "--fixture",
      "fixture" }, { cwd = dir })
    assert.equals(0, code, stderr)
    assert.equals(0, (neap.run({ "init", "--kit", "." }, { cwd = dir })))
    local passed, said = busted()
    assert.equals(0, passed, said)
    assert.is_truthy(said:find("[1-9]%d* success"))
    scope.write(dir .. "/policy.lua", "return { pick = function(_, pool) return pool[#pool] end }")
    assert.are_not.equals(0, (busted()))
    code, _, stderr = neap.run({ "replay", path, "--policy", "policy.lua", "--fixture",
      "fixture" }, { cwd = dir })
    assert.equals(1, code)
    assert.is_truthy(stderr:find("there already", 1, true))
  end)
end)
