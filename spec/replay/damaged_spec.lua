-- Recordings that were cut, mended by hand, or never were any.

local replay = require "support.replay"
local scope = require "support.scope"

local HEAD = [=[{"recording":1,"services":[{"name":"a","mode":"http","pool":"p"}],]=]
  .. [=["pools":[{"name":"p"}]}]=]
local POOL = [=[{"pool":"p","worker":0,"version":1,"members":[{"name":"b1",]=]
  .. [=["url":"http://127.0.0.1:1","state":"up","since":0,"weight":1,"slots":0,"tier":0}]}]=]
local REQUEST = [=[{"request":{"id":"x","client_ip":"192.0.2.1","method":"GET","path":"/",]=]
  .. [=["headers":[["a","b"]]},"service":"a","worker":0,"number":1,"steps":[{"ask":"decide",]=]
  .. [=["at":1.5,"dice":"00000000000000ff","pools":[{"pool":"p","version":1,]=]
  .. [=["inflight":[0],"latency_us":[0],"counters":{"turn":1}}],"verdict":"backend",]=]
  .. [=["backend":"b1"}],"outcome":{"status":200,"attempts":1,"bytes":1,"first_byte":0.1}}]=]
local FINISH = [[{"end":{"requests":1,"lost":0,"unfinished":0}}]]

local function file_of(text)
  local path = scope.directory() .. "/traffic.jsonl"
  scope.write(path, text)
  return path
end

local function whole(change, from, to)
  local lines = { head = HEAD, pool = POOL, request = REQUEST, finish = FINISH }
  if change then
    local at, stop = lines[change]:find(from, 1, true)
    assert(at, from)
    lines[change] = lines[change]:sub(1, at - 1) .. to .. lines[change]:sub(stop + 1)
  end
  return table.concat({ lines.head, lines.pool, lines.request, lines.finish }, "\n") .. "\n"
end

local FILES = {
  { "", "it is empty, or no file" },
  { ("\0\1\2\255\n"):rep(5000), "its first line is missing" },
  { ("x"):rep(5e6), "its first line is missing" },
  { "\31\139\8\0\0", "compressed with gzip: unpack it first" },
  { HEAD .. "\n" .. POOL .. "\n" .. REQUEST:sub(1, 300), "line 3: not JSON" },
  { HEAD .. "\n" .. '{"request":' .. ("["):rep(100000), "line 2: not JSON" },
}

-- Of which line, what, by what: and what is said then.
local CHANGES = {
  { "head", '[{"name":"a","mode":"http","pool":"p"}]', "5", "its first line is wrong" },
  { "head", '"pools":', '"redacted":[{}],"pools":', "its first line is wrong: redacted" },
  { "head", '"name":"a"', '"name":"b"', "line 3: service a is not in the first line" },
  { "pool", '[{"name"', '[5,{"name"', "line 2: a member is no object" },
  { "pool", '"weight":1', '"weight":"1"', "line 2: a member: its weight" },
  { "pool", "http://127.0.0.1:1", "nonsense", "jsonl: pools.p.backends[1].url: 'nonsense'" },
  { "pool", '"version":1', '"version":2', "line 3: version 1 of pool p is missing" },
  { "request", '"GET"', "[]", "line 3: a request: its method" },
  { "request", '["a","b"]', "5", "line 3: headers" },
  { "request", '"at":1.5', '"at":1.5.5', "line 3: not JSON" },
  { "request", "00ff", "zz", "line 3: a step: its dice" },
  { "request", "[0]", '["a"]', "line 3: inflight" },
  { "request", '{"turn":1}', '{"turn":{}}', "line 3: counters" },
  { "request", '"backend":"b1"', '"backend":[]', "line 3: a step: its backend" },
  { "request", "}],\"outcome", '},{"ask":"failed","stage":"x"}],"outcome', "unknown failure" },
  { "request", "}],\"outcome", '},{"ask":"else"}],"outcome', "line 3: an unknown step" },
  { "request", '"status":200', '"status":-1', "line 3: an outcome: its status" },
}

describe("neap replay of a damaged recording", function()
  it("says what is wrong, and where, in a line", function()
    local all = { unpack(FILES) }
    for _, c in ipairs(CHANGES) do table.insert(all, { whole(c[1], c[2], c[3]), c[4] }) end
    for _, case in ipairs(all) do
      local code, stdout, stderr = replay.call(file_of(case[1]), "hash")
      assert.same({ 1, "" }, { code, stdout })
      assert.matches("^neap: replay: [^\n]*\n$", stderr)
      assert.truthy(stderr:find(case[2], 1, true), stderr)
    end
  end)

  it("does without an end that is none, and with a pool that is empty at first", function()
    assert.equal(0, replay.json(file_of(whole()), "hash").different)
    assert.truthy(replay.run(file_of(whole("finish", '{"requests', '5,"x":{"requests')), "hash")
      :find("The recording broke off", 1, true))
    local empty = POOL:gsub("%[.*%]", "[]"):gsub('version":1', 'version":0')
    local text = whole("head", "]}", "]}\n" .. empty)
    assert.same({ 1, 0 }, { replay.json(file_of(text), "hash").requests,
      replay.json(file_of(text), "hash").different })
  end)

  it("ends a policy that loops for ever", function()
    local code, _, stderr = replay.call(file_of(whole()),
      "return { pick = function()\nrepeat until false end }")
    assert.equal(1, code)
    assert.matches("^neap: %-%-policy /%S+/policy.lua: hook pick: %S+/policy.lua:2: ran for more "
      .. "than 2 s\n$", stderr)
  end)
end)
