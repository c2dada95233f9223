-- HTTP/1.1, HTTP/2 and gRPC at once, to backends of HTTP/1.1 and of HTTP/2, while workers and
-- backends are killed and the config is reloaded: connections may be cut, but no answer is
-- another's, cut short, or changed. $NEAP_SOAK says how many seconds it lasts (6).
local client = require "support.client"
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local h2_server = require "support.h2_server"
local neap = require "support.neap"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"
local signal = require "posix.signal"

local SECONDS = tonumber(os.getenv "NEAP_SOAK") or 6

local CONFIG = [[return {
  workers = 2,
  services = {
    { listen = "127.0.0.1:0", pool = "one" }, { listen = "127.0.0.1:0", pool = "two" },
  },
  pools = {
    one = { backends = { %q, %q }, health = { type = "tcp", interval = 0.5, recheck = 0.1 } },
    two = {
      http2 = true, backends = { %q, %q },
      health = { type = "tcp", interval = 0.5, recheck = 0.1 },
    },
  },
}]]

-- "/TOKEN/SIZE" → what its body is
local function body_for(path)
  local size = tonumber(path:match "(%d+)$")
  return (path .. " "):rep(math.ceil(size / #path)):sub(1, size)
end

local function start_backends()
  local one, two = {}, {}
  for i = 1, 2 do
    one[i] = origin.start {
      allow_errors = true,
      handler = function(conn, request)
        conn:read_body()
        return body_for(request.target)
      end,
    }
    two[i] = h2_server.start {
      allow_errors = true,
      handler = function(h2, stream)
        h2:whole(stream)
        if stream.reset then return end
        local path = stream.fields[":path"]
        return { body = body_for(path), trailers = { { "grpc-status", "0" }, { "x-of", path } } }
      end,
    }
  end
  return one, two
end

local function path_of(name, turn)
  return ("/%s-%d/%d"):format(name, turn, turn * 7919 % 40000 + 1)
end

local function speak_h1(port, name, turn)
  local c = client.connect(port, { timeout = 10 })
  for i = 1, 10 do
    local path = path_of(name, turn + i)
    local answer = c:request(i % 3 == 0 and "POST" or "GET", path, {}, i % 3 == 0 and "up" or nil)
    if not answer or answer.truncated then break end
    assert(answer.status >= 500 or answer.body == body_for(path), "wrong: " .. path)
  end
  c:close()
end

local function check_stream(answer, path, is_grpc)
  if not answer.ended or answer.reset or answer.status >= 500 then return end
  if is_grpc and answer.headers["x-neap-error"] then return end
  if is_grpc and answer.trailers["grpc-status"] ~= "0" then return end -- its backend was killed
  assert(answer.body == body_for(path), "wrong: " .. path)
  if is_grpc then assert(answer.trailers["x-of"] == path, "wrong trailers: " .. path) end
end

-- Eight streams at a time; those of a connection that is cut are nobody's fault.
local function speak_h2(port, name, turn, is_grpc)
  local c = h2_client.connect(port, { timeout = 10 })
  local paths = {}
  for i = 1, 8 do
    local path = path_of(name, turn + i)
    local fields = { [":path"] = path, [":method"] = (is_grpc or i % 3 == 0) and "POST" or "GET" }
    if is_grpc then fields["content-type"], fields.te = "application/grpc", "trailers" end
    paths[c:request(fields, { body = fields[":method"] == "POST" and "up" or nil })] = path
  end
  for id, path in pairs(paths) do
    local ok, answer = pcall(c.answer, c, id)
    if not ok and not tostring(answer):find "the connection" then error(answer, 0) end
    if ok then check_stream(answer, path, is_grpc) end
  end
  c:close()
end

-- A process that speaks so for so long; what went wrong is in the file `name`.
local function speaker(dir, name, speak, ...)
  local arguments = { ... }
  return process.fork(function()
    local turn, ended = 0, eventually.now() + SECONDS
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    while eventually.now() < ended do
      turn = turn + 10
      local ok, err = pcall(speak, arguments[1], name, turn, arguments[2])
      if not ok and not tostring(err):find "connect 127" and not tostring(err):find "send to" then
        scope.write(dir .. "/" .. name, tostring(err))
      end
      scope.write(dir .. "/" .. name .. ".turns", tostring(turn))
    end
  end, { output = dir .. "/output" })
end

local function turns_of(dir, names)
  local sum = 0
  for _, name in ipairs(names) do
    sum = sum + (tonumber(scope.read(dir .. "/" .. name .. ".turns")) or 0)
  end
  return sum
end

local function disturb(n, backends, turn)
  local kind = turn % 4
  if kind == 0 then
    process.signal(n:workers()[1] or n.pid, "KILL")
  elseif kind == 1 or kind == 3 then
    n:signal "HUP"
  else
    backends[math.floor(turn / 4) % #backends + 1]:start_again()
  end
end

describe("Mixed traffic under kills and reloads", function()
  it("has no wrong answer", function()
    local one, two = start_backends()
    local n = neap.start {
      config = CONFIG:format(one[1].url, one[2].url, two[1].url, two[2].url), allow = { "." },
    }
    local dir, pids, names = scope.directory(), {}, {}
    for i, port in ipairs { n.ports[1], n.ports[2] } do
      for _, row in ipairs { { "h1", speak_h1 }, { "h2", speak_h2 }, { "h2b", speak_h2 } } do
        names[#names + 1] = row[1] .. i
        pids[#pids + 1] = speaker(dir, row[1] .. i, row[2], port)
      end
    end
    names[#names + 1] = "grpc"
    pids[#pids + 1] = speaker(dir, "grpc", speak_h2, n.ports[2], true)
    local backends, ended, turn = { one[1], two[1], one[2], two[2] }, eventually.now() + SECONDS, 0
    repeat
      turn = turn + 1
      disturb(n, backends, turn)
      local before = turns_of(dir, names)
      eventually(function()
        return turns_of(dir, names) >= before + 70 or eventually.now() >= ended
      end, SECONDS + 20)
    until eventually.now() >= ended
    for i, pid in ipairs(pids) do
      eventually(function() return not process.exists(pid) end, 60)
      process.forget(pid)
      assert.equal("", scope.read(dir .. "/" .. names[i]))
      assert.is_true(turns_of(dir, { names[i] }) >= 10, names[i])
    end
    assert.equal("", scope.read(dir .. "/output"))
    eventually(function()
      return client.get(n.ports[1], "/last-1/9").body == body_for "/last-1/9"
    end, 15)
  end)
end)
