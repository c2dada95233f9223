-- A client that asks all the time, as programs do: a request that may be repeated is, when its
-- connection breaks or nothing comes.
--
--   steady_client.start(address, { give_up = 10, patience = 1.5 }) → s
--       One request after the other, some on kept connections, each third the last on its own.
--       give_up: seconds after which a request counts as failed; patience: seconds for one try
--   s:so_far() → how many requests were answered
--   s:finish() → { good, failed, repeated, longest }      longest: seconds of the slowest request

local client = require "support.client"
local eventually = require "support.eventually"
local process = require "support.process"
local scope = require "support.scope"
local time = require "socket"

local steady_client = {}
local Steady = {}
Steady.__index = Steady

local function ask(state, address, patience)
  if not state.kept then state.kept = client.connect(address, { timeout = patience }) end
  local answer, why = state.kept:request("GET", "/")
  if not answer then error("no answer: " .. tostring(why)) end
  if answer.status ~= 200 or answer.truncated then error(answer.raw) end
  if answer.headers.connection == "close" or state.sent % 3 == 0 then
    state.kept:close()
    state.kept = nil
  end
end

-- One request, until it is answered or given up.
local function serve_one(state, address, options)
  local began = time.gettime()
  state.sent = state.sent + 1
  local is_answered = pcall(eventually, function()
    local is_good, why = pcall(ask, state, address, options.patience or 1.5)
    if is_good then return true end
    io.stderr:write(tostring(why), "\n") -- kept in its folder
    if state.kept then state.kept:close() end
    state.kept, state.repeated = nil, state.repeated + 1
  end, options.give_up or 10, "an answer")
  if not is_answered then
    state.failed, state.repeated = state.failed + 1, state.repeated - 1
    return
  end
  state.good = state.good + 1
  state.longest = math.max(state.longest, time.gettime() - began)
end

local function run(dir, address, options)
  local state = { sent = 0, good = 0, failed = 0, repeated = 0, longest = 0 }
  local ends = time.gettime() + 120
  repeat
    serve_one(state, address, options)
    scope.write(dir .. "/now", ("return { good = %d, failed = %d, repeated = %d, longest = %f }")
      :format(state.good, state.failed, state.repeated, state.longest))
    os.rename(dir .. "/now", dir .. "/counts")
  until scope.read(dir .. "/stop") ~= "" or time.gettime() > ends
end

function steady_client.start(address, options)
  local self = setmetatable({ dir = scope.directory() }, Steady)
  self.pid = process.fork(function() run(self.dir, address, options or {}) end,
    { output = self.dir .. "/output" })
  return self
end

function Steady:counts()
  local text = scope.read(self.dir .. "/counts")
  return text ~= "" and loadstring(text)() or { good = 0 }
end

function Steady:so_far() return self:counts().good end

-- It goes on until this many more were answered.
function Steady:go_on(more)
  local goal = self:so_far() + more
  eventually(function() return self:so_far() >= goal end, 20, "more answers")
end

function Steady:finish()
  scope.write(self.dir .. "/stop", "now")
  eventually(function() return not process.exists(self.pid) end, 20, "the client's end")
  return self:counts()
end

return steady_client
