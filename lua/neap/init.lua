-- What `require "neap"` gives to configs and policies.

-- In plain LuaJIT: that of the virtual balancer whose hook runs.
local native = require "neap.native"
if native.is_plain then return require("neap.testing.facade").neap end

local certificate = require "neap.runtime.certificate"
local counters = require "neap.runtime.counters"
local dice = require "neap.runtime.dice"
local dns = require "neap.io.dns"
local json = require "neap.json"
local http = require "neap.io.http"
local once = require "neap.io.once"
local naming = require "neap.config.naming"
local pools = require "neap.runtime.pools"
local redis = require "neap.io.redis"
local reply = require "neap.runtime.reply"
local seal = require "neap.runtime.seal"
local shared = require "neap.runtime.shared"
local sorted = require "neap.sorted"
local tcp = require "neap.io.tcp"
local wait = require "neap.runtime.wait"

local neap = {
  -- The pool of that name, as `pool` in hooks: what may serve now.
  pool = pools.by_name,
  reply = reply.new,
  certificate = certificate.new,
  -- A store that all processes share.
  shared = shared.by_name,
  -- How often something may happen, over all processes.
  limit = function(given) return require("neap.runtime.limit").new(given) end,
  -- How many requests may be somewhere at once, over all processes.
  concurrency = function(given) return require("neap.runtime.concurrency").new(given) end,
  now = dice.now,
  random = dice.random,
  hash = dice.hash,
  hmac = dice.hmac,
  secret = dice.secret,
  log = naming.known("neap.log", require "neap.runtime.log"),
  metric = naming.known("neap.metric", { counter = counters.counter, gauge = counters.gauge }),
  json = naming.known("neap.json", json),
  sleep = wait.sleep,
  tcp = naming.known("neap.tcp", { connect = tcp.connect }),
  http = naming.known("neap.http", { get = http.get, request = http.request }),
  dns = naming.known("neap.dns", { resolve = dns.resolve }),
  once = once.call,
  redis = naming.known("neap.redis", setmetatable({ null = redis.null }, {
    __call = function(_, options) return redis.new(options) end,
  })),
}

-- Ready checks: neap.check.tcp{}, .http{}, .icmp{}. Loaded when they are asked for.
neap.check = setmetatable({}, {
  __index = function(_, name)
    local checks = require "neap.check"
    return checks[name] or error(naming.lacks("neap.check", name, sorted.keys(checks)), 2)
  end,
})

-- Parts that most configs do without are loaded when they are asked for.
local LAZY = { base64 = true, crypto = true, ip = true, jwt = true, key = true, regex = true,
  url = true }

local function names()
  local all = sorted.keys(neap)
  for name in pairs(LAZY) do table.insert(all, name) end
  table.sort(all)
  return all
end

return setmetatable(neap, {
  __index = function(_, name)
    if not LAZY[name] then error(naming.lacks("neap", name, names()), 2) end
    local part = require("neap.text." .. name)
    part = seal.module("neap." .. name, naming.known("neap." .. name, part))
    rawset(neap, name, part)
    return part
  end,
})
