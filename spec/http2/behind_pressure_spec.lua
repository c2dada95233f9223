-- Back-pressure to and from backends of HTTP/2: who does not read holds up nobody but itself.
local behind = require "support.behind"
local client = require "support.client"
local eventually = require "support.eventually"
local frames = require "support.h2_frames"
local proxied = require "support.proxied"

local MEBIBYTE = 1024 * 1024

-- Each stream /big gets as many bytes as the windows allow; `sent` is told in a header of /sent.
local function generous(h2)
  local sent, block = 0, ("x"):rep(16384)
  h2:begin()
  h2.io:read(#frames.PREFACE)
  local big = {}
  local function pour()
    for _, stream in ipairs(big) do
      while stream.window > 0 and h2.window > 0 do
        local n = math.min(#block, stream.window, h2.window)
        h2:send(frames.data(stream.id, block:sub(1, n)))
        stream.window, h2.window, sent = stream.window - n, h2.window - n, sent + n
      end
    end
  end
  while true do
    pour()
    local stream = h2:accept()
    if not stream then return end
    if stream.fields[":path"] == "/big" then
      h2:head(stream.id, { { ":status", "200" } })
      table.insert(big, stream)
    else
      h2:respond(stream, { body = tostring(sent) })
    end
  end
end

describe("a client that reads nothing of an answer over HTTP/2", function()
  it("holds up its stream alone, and costs little memory", function()
    local n, o = behind.start { connection = generous }
    assert.equal("0", n:get("/sent").body)
    local before, slow = proxied.resident(n), {}
    for i = 1, 40 do
      slow[i] = client.connect(n.address)
      slow[i]:send "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
    end
    local last
    eventually(function()
      local sent = tonumber(n:get("/sent").body)
      local is_still = last == sent and sent > 40 * 60000
      last = sent
      return is_still
    end)
    local grown = proxied.resident(n) - before
    assert.is_true(grown < 40 * 300 * 1024, grown)
    assert.equal(1, o:connections())
    for _, c in ipairs(slow) do c:close() end
    eventually(function() return n:get("/sent").status == 200 end)
  end)
end)

describe("a backend of HTTP/2 that takes nothing of a body", function()
  it("holds up its client, and not the others", function()
    local n = behind.start {
      keeps_windows = true,
      connection = function(h2)
        h2:begin()
        h2.io:read(#frames.PREFACE)
        while true do
          local stream = h2:accept()
          if not stream then return end
          if stream.fields[":method"] == "GET" then h2:respond(stream, { body = "ok" }) end
        end
      end,
    }
    local c = client.connect(n.address)
    c:send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " .. 64 * MEBIBYTE .. "\r\n\r\n")
    local before = proxied.resident(n)
    local sent = 0
    c.timeout = 1
    while sent < 64 * MEBIBYTE do
      local ok = pcall(c.send, c, ("x"):rep(65536))
      if not ok then break end
      sent = sent + 65536
    end
    assert.is_true(sent < 32 * MEBIBYTE, sent)
    assert.is_true(proxied.resident(n) - before < 4 * MEBIBYTE)
    for _ = 1, 3 do assert.equal("ok", n:get("/").body) end
  end)
end)
