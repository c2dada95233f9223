-- Balancers that have a limit in common, by a Redis.
--
--   common_limit.start(address, limit, more) → n    limit: of neap.limit, without store; more: of
--       `redis` in the config. "/KEY" takes one of KEY's: 200, or 429
--   common_limit.passed(balancers, key, seconds) → how many got through, asked all the time in
--       turn, and the seconds that it took
--   common_limit.status(n) → the `redis` of the store in /status

local admin = require "support.admin"
local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"

local common_limit = {}

local CONFIG = [[
local neap = require "neap"
local limit = neap.limit { %s, store = "common", name = "common" }
return {
  listen = "127.0.0.1:0", workers = 1, backends = { "http://127.0.0.1:1" },
  health = { type = "none" }, admin = { listen = "127.0.0.1:0" },
  shared = { common = { store = "redis", redis = { address = "%s", %s } } },
  policy = { request = function(request)
    local passes, wait = limit:take(request.path)
    return neap.reply { status = passes and 200 or 429, body = tostring(wait) }
  end },
}]]

function common_limit.start(address, limit, more, options)
  options = options or {}
  options.config = CONFIG:format(limit, address, more or "")
  return neap.start(options)
end

function common_limit.passed(balancers, key, seconds)
  local connections, begun, n, i = {}, eventually.now(), 0, 0
  for at, one in ipairs(balancers) do connections[at] = client.connect(one.port) end
  while eventually.now() < begun + seconds do
    i = i % #balancers + 1
    if connections[i]:request("GET", "/" .. key).status == 200 then n = n + 1 end
  end
  local took = eventually.now() - begun
  for _, connection in ipairs(connections) do connection:close() end
  return n, took
end

function common_limit.status(n)
  for _, store in ipairs(admin.status(n).shared) do
    if store.name == "common" then return store.redis end
  end
end

return common_limit
