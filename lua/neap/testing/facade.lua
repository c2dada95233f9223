-- `require "neap"` in plain LuaJIT: a policy that a spec loads with `require` uses whichever
-- virtual balancer is at work.

local naming = require "neap.config.naming"

local facade = {}

local active -- the module `neap` of that balancer

local function needed(name)
  if not active then
    error(("neap.%s: there is no balancer yet; make one with require(\"neap.testing\").pool")
      :format(name), 3)
  end
  return active
end

-- A function of the balancer at work.
local function forward(path, name)
  return function(...)
    local from = needed(name)
    for i = 1, #path do from = from[path[i]] end
    return from[name](...)
  end
end

local function group(path, names)
  local functions = {}
  for name in names:gmatch "%S+" do functions[name] = forward(path, name) end
  return functions
end

-- While policies load there may be no balancer: these need none.
local function pure()
  local digest, sha256 = require "neap.testing.digest", require "neap.testing.sha256"
  return {
    hash = function(text, seed) return digest.hash(text, (seed or 0) % 4294967296) end,
    hmac = sha256.hmac,
  }
end

local neap = group({}, "pool now random secret sleep once")
for name, parts in pairs { log = "debug info warn error", tcp = "connect", http = "get request",
  dns = "resolve" } do
  neap[name] = naming.known("neap." .. name, group({ name }, parts))
end
neap.hash, neap.hmac = pure().hash, pure().hmac

-- These may be used at the top of a policy's file, before there is a balancer: it is made then.
local made
local function early()
  if not active then
    made = made or require("neap.testing.balancer").new { backends = 1 }
    facade.use(made.neap)
  end
  return active
end

-- A reply made by one balancer and returned to another: see facade.own_reply.
local replies = setmetatable({}, { __mode = "k" })
function neap.reply(...)
  local object = early().reply(...)
  replies[object] = true
  return object
end

-- The same of certificates: see facade.own_certificate.
local certificates = setmetatable({}, { __mode = "k" })
function neap.certificate(...)
  local object = early().certificate(...)
  certificates[object] = true
  return object
end

function facade.own_certificate(module, given)
  if not certificates[given] then return given end
  return module.certificate { certificate = given.certificate,
    key = given.key ~= "" and given.key or nil }
end

-- What a hook gave as an answer, as one of that balancer's own.
function facade.own_reply(module, answer)
  if not replies[answer] then return answer end
  return module.reply { status = answer.status, headers = answer.headers, body = answer.body }
end

-- A client of Redis is one of the balancer at work, each time that it is asked.
neap.redis = setmetatable({}, {
  __index = function(_, name) return early().redis[name] end,
  __call = function(_, options)
    local of = setmetatable({ [early()] = early().redis(options) }, { __mode = "k" })
    return setmetatable({}, { __index = function(_, method)
      return function(_, ...)
        local module = needed "redis"
        of[module] = of[module] or module.redis(options)
        return of[module][method](of[module], ...)
      end
    end })
  end,
})

-- A store may be asked for at the top of a policy's file; each call then goes to that of the
-- balancer at work.
local stores = {}
local function store_of(name)
  return setmetatable({}, {
    __index = function(_, method)
      return function(_, ...)
        local store = needed("shared").shared(name)
        return store[method](store, ...)
      end
    end,
  })
end
function neap.shared(name)
  stores[name] = stores[name] or store_of(name)
  return stores[name]
end

-- A limit is one of the balancer at work, too.
local function limit_of(kind, fields)
  return function(options)
    local of = setmetatable({}, { __mode = "k" })
    local function one()
      local module = needed(kind)
      of[module] = of[module] or module[kind](options)
      return of[module]
    end
    return setmetatable({}, { __index = function(_, name)
      if fields[name] then return one()[name] end
      return function(_, ...)
        local object = one()
        return object[name](object, ...)
      end
    end })
  end
end
neap.limit = limit_of("limit", { name = true, burst = true })
neap.concurrency = limit_of("concurrency", { name = true, limit = true })

neap.metric = {
  counter = function(...) return early().metric.counter(...) end,
  gauge = function(...) return early().metric.gauge(...) end,
}
neap.check = setmetatable({}, { __index = function(_, name) return early().check[name] end })
neap.json = setmetatable({}, { __index = function(_, name) return early().json[name] end })

function facade.use(module) active = module end

-- These need no balancer.
local PARTS = { base64 = true, ip = true, url = true }

-- These have its clock, its dice and its C.
for _, name in ipairs { "crypto", "jwt", "key", "regex" } do
  neap[name] = setmetatable({}, { __index = function(_, key) return early()[name][key] end })
end

facade.neap = setmetatable(neap, {
  __index = function(_, name)
    if PARTS[name] then return naming.known("neap." .. name, require("neap.text." .. name)) end
    return early()[name]
  end,
})
return facade
