-- Recording and replaying, as users do it.
--
--   replay.start(backends, more, options) → n      as admin.start
--   replay.record(n, args, traffic) → path, stdout    starts `neap record`, calls traffic() once it
--       is under way, and returns when it has ended. args: { "--count", 3, … }
--   replay.lines(path) → decoded lines: { head =, pools = {…}, requests = {…}, finish = }
--   replay.run(path, policy, args, files) → stdout; policy: a file's text, or a shipped one's name
--   replay.json(…) → the same with --json, decoded

local admin = require "support.admin"
local cjson = require "cjson"
local eventually = require "support.eventually"
local neap = require "support.neap"
local process = require "support.process"
local scope = require "support.scope"

local replay = {}

replay.start = admin.start

local function token_file()
  local path = scope.directory() .. "/token"
  scope.write(path, admin.token .. "\n")
  return path
end

function replay.record(n, args, traffic)
  local dir = scope.directory()
  local path = dir .. "/traffic.jsonl"
  local argv = { neap.binary, "record", "--admin", n.admin, "--token-file", token_file() }
  for _, word in ipairs(args) do table.insert(argv, tostring(word)) end
  table.insert(argv, path)
  local p = process.spawn { argv = argv, dir = dir, name = "record" }
  eventually(function()
    local file = io.open(path, "rb")
    if file then file:close() end
    return file ~= nil
  end, 10, "the file of the recording")
  traffic()
  local code = p:wait(10)
  assert(code == 0, p:stderr())
  return path, p:stdout()
end

function replay.lines(path)
  local found = { pools = {}, requests = {} }
  for line in io.lines(path) do
    local value = cjson.decode(line)
    if value.recording then found.head = value end
    if value.pool then table.insert(found.pools, value) end
    if value.request then table.insert(found.requests, value) end
    if value["end"] then found.finish = value["end"] end
  end
  return found
end

function replay.call(path, policy, args)
  local name = policy
  if policy:find "return" then
    name = scope.directory() .. "/policy.lua"
    scope.write(name, policy)
  end
  local words = { "replay", path, "--policy", name }
  for _, word in ipairs(args or {}) do table.insert(words, word) end
  return neap.run(words, { limit = 60 })
end

function replay.run(path, policy, args)
  local code, stdout, stderr = replay.call(path, policy, args)
  assert(code == 0, stderr)
  return stdout
end

function replay.json(path, policy, args)
  local words = { "--json" }
  for _, word in ipairs(args or {}) do table.insert(words, word) end
  return cjson.decode(replay.run(path, policy, words))
end

return replay
