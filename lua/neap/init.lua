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
local limit = require "neap.runtime.limit"
local pools = require "neap.runtime.pools"
local redis = require "neap.io.redis"
local reply = require "neap.runtime.reply"
local seal = require "neap.runtime.seal"
local shared = require "neap.runtime.shared"
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
  limit = limit.new,
  now = dice.now,
  random = dice.random,
  hash = dice.hash,
  hmac = dice.hmac,
  secret = dice.secret,
  log = require "neap.runtime.log",
  metric = { counter = counters.counter, gauge = counters.gauge },
  json = json,
  sleep = wait.sleep,
  tcp = { connect = tcp.connect },
  http = { get = http.get, request = http.request },
  dns = { resolve = dns.resolve },
  once = once.call,
  redis = setmetatable({ null = redis.null }, {
    __call = function(_, options) return redis.new(options) end,
  }),
}

-- Ready checks: neap.check.tcp{}, .http{}, .icmp{}. Loaded when they are asked for.
neap.check = setmetatable({}, {
  __index = function(_, name)
    local check = require("neap.check")[name]
    if not check then error(("there is no check '%s'"):format(tostring(name)), 2) end
    return check
  end,
})

-- Parts that most configs do without are loaded when they are asked for.
local LAZY = { base64 = true, crypto = true, ip = true, jwt = true, regex = true, url = true }

return setmetatable(neap, {
  __index = function(_, name)
    if not LAZY[name] then return nil end
    local part = seal.module("neap." .. name, require("neap.text." .. name))
    rawset(neap, name, part)
    return part
  end,
})
