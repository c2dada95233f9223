-- Traffic of HTTP/1.1, HTTP/2 and gRPC at once, of which every answer can be told from every other:
-- the body is made from the path, and a call's trailers name it.
--
--   mixed.backends() → two of HTTP/1.1, two of HTTP/2 (support/origin)
--   mixed.start{ clear = { port, … }, tls = { port, … }, grpc = { port, … }, seconds = } → m
--       processes that speak for so long: HTTP/1.1 and HTTP/2 to clear and tls, gRPC to grpc
--   m:turns() → how far they are, a number that grows
--   m:finish() → figures, when all have ended: { asked, good, refused (5xx), cut, wrong } and
--       faults = list of texts; idle = names of speakers that had no answer
--   mixed.body(path) → what /TOKEN/SIZE is answered with

local client = require "support.client"
local eventually = require "support.eventually"
local h2_client = require "support.h2_client"
local h2_server = require "support.h2_server"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"
local signal = require "posix.signal"
local tls_io = require "support.tls_io"

local mixed = {}
local Mixed = {}
Mixed.__index = Mixed

local COUNTS = { "asked", "good", "refused", "cut", "wrong" }
local REQUESTS, STREAMS = 10, 8 -- of a connection

function mixed.body(path)
  local size = tonumber(path:match "(%d+)$")
  return (path .. " "):rep(math.ceil(size / #path)):sub(1, size)
end

function mixed.backends()
  local one, two = {}, {}
  for i = 1, 2 do
    one[i] = origin.start {
      allow_errors = true,
      handler = function(conn, request)
        conn:read_body()
        return mixed.body(request.target)
      end,
    }
    two[i] = h2_server.start {
      allow_errors = true,
      handler = function(h2, stream)
        h2:whole(stream)
        if stream.reset then return end
        local path = stream.fields[":path"]
        return { body = mixed.body(path), trailers = { { "grpc-status", "0" }, { "x-of", path } } }
      end,
    }
  end
  return one, two
end

-- ---- one connection ----

local function path_of(name, turn)
  return ("/%s-%d/%d"):format(name, turn, turn * 7919 % 40000 + 1)
end

local function judge(count, verdict, fault)
  count[verdict] = count[verdict] + 1
  if fault then count.fault = fault end
end

local function judge_h1(count, answer, path)
  if not answer or answer.truncated then
    judge(count, "cut")
  elseif answer.status >= 500 then
    judge(count, "refused")
  elseif answer.status == 200 and answer.body == mixed.body(path) then
    judge(count, "good")
  else
    judge(count, "wrong", ("%s: %d, %d bytes"):format(path, answer.status, #answer.body))
  end
end

local function speak_h1(way, name, turn, count)
  local c = client.connect(way.port, { timeout = 10 })
  if way.tls then tls_io.client(c, {}) end
  for i = 1, REQUESTS do
    local path = path_of(name, turn + i)
    local is_post = i % 3 == 0
    count.asked = count.asked + 1
    local method, body = is_post and "POST" or "GET", is_post and "up" or nil
    local ok, answer = pcall(c.request, c, method, path, {}, body)
    judge_h1(count, ok and answer or nil, path)
    if not ok or not answer or answer.truncated then break end
    if (answer.headers.connection or ""):lower() == "close" then break end -- a reload
  end
  c:close()
end

-- A call that neap could not bring to its end is told so in its trailers, or in the head.
local function is_refused(answer, is_grpc)
  if answer.status >= 500 then return true end
  if not is_grpc then return false end
  return answer.headers["x-neap-error"] or answer.trailers["grpc-status"] ~= "0"
end

local function judge_stream(count, answer, path, is_grpc)
  if not answer or not answer.ended or answer.reset then
    judge(count, "cut")
  elseif is_refused(answer, is_grpc) then
    judge(count, "refused")
  elseif answer.body ~= mixed.body(path) or (is_grpc and answer.trailers["x-of"] ~= path) then
    judge(count, "wrong", ("%s: %d, %d bytes"):format(path, answer.status, #answer.body))
  else
    judge(count, "good")
  end
end

local function request(c, path, is_grpc, is_post)
  local fields = { [":path"] = path, [":method"] = is_post and "POST" or "GET" }
  if is_grpc then fields["content-type"], fields.te = "application/grpc", "trailers" end
  return c:request(fields, { body = is_post and "up" or nil })
end

local function speak_h2(way, name, turn, count)
  local c = h2_client.connect(way.port, { timeout = 10, tls = way.tls })
  local paths = {}
  for i = 1, STREAMS do
    local path = path_of(name, turn + i)
    paths[request(c, path, way.grpc, way.grpc or i % 3 == 0)] = path
  end
  for id, path in pairs(paths) do
    local ok, answer = pcall(c.answer, c, id)
    if not ok and not tostring(answer):find "the connection" then error(answer, 0) end
    count.asked = count.asked + 1
    judge_stream(count, ok and answer or nil, path, way.grpc)
  end
  c:close()
end

-- ---- those who speak ----

-- A connection that neap did not take, or that a killed worker had.
local function is_cut(err)
  for _, words in ipairs { "connect 127", "send to", "TLS", "closed", "reset" } do
    if err:find(words, 1, true) then return true end
  end
  return false
end

local function run(path, name, way, seconds)
  local ended, turn = eventually.now() + seconds, 0
  local count = { asked = 0, good = 0, refused = 0, cut = 0, wrong = 0 }
  signal.signal(signal.SIGPIPE, signal.SIG_IGN)
  while eventually.now() < ended do
    turn = turn + REQUESTS
    local ok, err = pcall(way.speak, way, name, turn, count)
    if not ok then
      local is_excused = is_cut(tostring(err))
      judge(count, is_excused and "cut" or "wrong", not is_excused and tostring(err) or nil)
    end
    local row = { turn }
    for _, key in ipairs(COUNTS) do row[#row + 1] = count[key] end
    scope.write(path, table.concat(row, " ") .. "\n" .. (count.fault or ""))
  end
end

local function ways_of(options)
  local ways = {}
  local function add(ports, more, speak)
    for _, port in ipairs(ports or {}) do
      ways[#ways + 1] = { port = port, tls = more.tls, grpc = more.grpc, speak = speak }
    end
  end
  add(options.clear, {}, speak_h1)
  add(options.clear, {}, speak_h2)
  add(options.tls, { tls = true }, speak_h1)
  add(options.tls, { tls = true }, speak_h2)
  add(options.grpc, { grpc = true }, speak_h2)
  return ways
end

function mixed.start(options)
  local m = setmetatable({
    dir = scope.directory(), pids = {}, names = {}, ended = eventually.now() + options.seconds,
  }, Mixed)
  for i, way in ipairs(ways_of(options)) do
    local name = ("s%d"):format(i)
    local path = m.dir .. "/" .. name
    m.names[i] = name
    m.pids[i] = process.fork(function() run(path, name, way, options.seconds) end,
      { output = m.dir .. "/output" })
  end
  return m
end

-- → turn, counts, fault of one; zeros while it has not had an answer
local function read(m, name)
  local first, fault = scope.read(m.dir .. "/" .. name):match "^([%d ]*)\n?(.*)"
  local numbers = {}
  for number in (first or ""):gmatch "%d+" do numbers[#numbers + 1] = tonumber(number) end
  return numbers, fault
end

function Mixed:turns()
  local sum = 0
  for _, name in ipairs(self.names) do sum = sum + (read(self, name)[1] or 0) end
  return sum
end

function Mixed:finish()
  local figures = { faults = {}, idle = {} }
  for _, key in ipairs(COUNTS) do figures[key] = 0 end
  for i, name in ipairs(self.names) do
    local left = math.max(0, self.ended - eventually.now())
    eventually(function() return not process.exists(self.pids[i]) end, left + 60)
    process.forget(self.pids[i])
    local numbers, fault = read(self, name)
    for k, key in ipairs(COUNTS) do figures[key] = figures[key] + (numbers[k + 1] or 0) end
    if fault and fault ~= "" then table.insert(figures.faults, fault) end
    if (numbers[3] or 0) == 0 then table.insert(figures.idle, name) end
  end
  local output = scope.read(self.dir .. "/output")
  if output ~= "" then table.insert(figures.faults, output) end
  return figures
end

return mixed
