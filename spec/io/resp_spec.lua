-- The parser of replies of Redis, with good and with hostile input.

local resp = require "neap.io.resp"

local MAX = 4096

-- A source over bytes that are all there; pauses are counted.
local function source(bytes)
  local at, pauses = 1, 0
  local one = resp.source(function(what)
    if what == "line" then
      local from, to = bytes:find("\r\n", at, true)
      if not from then return nil, "closed" end
      local line = bytes:sub(at, from - 1)
      at = to + 1
      return line
    end
    if #bytes - at + 1 < what then return nil, "closed" end
    at = at + what
    return bytes:sub(at - what, at - 1)
  end, MAX, function() pauses = pauses + 1 end)
  return one, function() return at - 1 end, function() return pauses end
end

local function read(bytes)
  local one, used = source(bytes)
  local ok, value = resp.read(one)
  return ok, value, used()
end

local GOOD = {
  "+OK\r\n", "-ERR no\r\n", ":-12\r\n", "$0\r\n\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "_\r\n",
  "#t\r\n", ",inf\r\n", ",-1.5e3\r\n", "(12345678901234567890\r\n", "=7\r\ntxt:abc\r\n",
  "!5\r\nERR x\r\n",
  "*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "%1\r\n+a\r\n~2\r\n#f\r\n_\r\n", "|1\r\n+a\r\n:1\r\n+b\r\n",
  ">1\r\n+x\r\n$2\r\n\r\n\r\n",
}

describe("replies of Redis", function()
  it("are read whole, and no byte more", function()
    for _, bytes in ipairs(GOOD) do
      local ok, value, used = read(bytes .. "+next\r\n")
      assert.is_true(ok, bytes .. tostring(value))
      assert.equal(#bytes, used)
    end
  end)

  it("keep integers that have no exact number as texts", function()
    assert.equal("9007199254740993", select(2, read ":9007199254740993\r\n"))
    assert.equal(9007199254740991, select(2, read ":9007199254740991\r\n"))
  end)

  it("are an error wherever they are cut", function()
    for _, bytes in ipairs(GOOD) do
      for n = 0, #bytes - 1 do
        local ok, why = read(bytes:sub(1, n))
        assert.is_false(ok)
        assert.is_string(why)
      end
    end
  end)

  it("harm nobody, whatever they are", function()
    local seed = os.time()
    math.randomseed(seed)
    local alphabet = "+-:$*~%_#,(!=|>0123456789tfeinax\r\n"
    for run = 1, 20000 do
      local parts = {}
      for i = 1, math.random(12) do
        local dice = math.random()
        if dice < 0.5 then
          parts[i] = GOOD[math.random(#GOOD)]
        elseif dice < 0.8 then
          local at = math.random(#alphabet - 2)
          parts[i] = alphabet:sub(at, at) .. math.random(-2, 20) .. "\r\n"
        else
          local at = math.random(#alphabet)
          parts[i] = alphabet:sub(at, at)
        end
      end
      local bytes = table.concat(parts)
      local done, ok, value = pcall(read, bytes)
      assert.is_true(done, ("seed %d, run %d: %s: %q"):format(seed, run, tostring(ok), bytes))
      if not ok then assert.is_string(value) end
    end
  end)

  it("are bounded in depth and size, and let others have their turn", function()
    assert.matches("too deep", (select(2, read(("*1\r\n"):rep(100)))))
    assert.matches("too deep", (select(2, read(("|1\r\n"):rep(100)))))
    assert.matches("too large", (select(2, read "$999999999\r\n")))
    assert.matches("too large", (select(2, read("*9999\r\n"))))
    assert.matches("too large", (select(2, read("*4000\r\n" .. (":1\r\n"):rep(4000)))))
    assert.matches("too large", (select(2, read((">0\r\n"):rep(4000)))))
    local one, _, pauses = source((":1\r\n"):rep(1000))
    one.elements = 1500
    for _ = 1, 1000 do resp.read(one) end
    assert.equal(1, pauses())
    one, _, pauses = source((">0\r\n"):rep(1000) .. ":1\r\n")
    one.elements = 1500
    resp.read(one)
    assert.equal(1, pauses())
  end)
end)
