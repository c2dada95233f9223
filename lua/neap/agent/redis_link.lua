-- A store's way to its Redis: who is asked, what is said when that fails, and when it is asked
-- again.

local ffi = require "neap.ffi"
local redis = require "neap.io.redis"
local files = require "neap.discover.files"
local web = require "neap.discover.web"

local C = ffi.C

local redis_link = {}
local Link = {}
Link.__index = Link

local PAUSE = 0.5  -- seconds, at least, after a failure
local FAILURES = 2 -- in a row are told: a connection may have grown old

-- Secrets are read anew, for others renew them.
local function options_of(settings)
  local password = settings.password
  if settings.password_file then
    local line, why = files.first_line(settings.password_file)
    if not line then return nil, why end
    password = line
  end
  local tls, wrong = web.tls(settings)
  if wrong then return nil, wrong end
  return { address = settings.address, user = settings.user, password = password,
    db = settings.db, tls = tls, timeout = settings.timeout }
end

-- One pipeline of commands; nil and why when any of them failed.
---@param commands table[]
---@return table? replies, string? why
function Link:ask(commands)
  if not self.client then
    local options, why = options_of(self.settings)
    if not options then return nil, why end
    self.client = redis.new(options)
  end
  local replies, why = self.client:pipeline(commands)
  if not replies then
    self.client = nil
    return nil, why
  end
  for _, reply in ipairs(replies) do
    if type(reply) == "table" and reply.err then return nil, "it says " .. reply.err end
  end
  return replies
end

function Link:fails(why)
  self.has_more = false
  self.failures = self.failures + 1
  self.is_away = self.failures >= FAILURES
  if not self.is_away or self.failure == why then return end
  self.failure = why
  self.host.log.error("shared store %s: redis %s: %s; each balancer goes on with its part (1/%d)",
    self.name, self.settings.address, why, self:balancers())
end

function Link:answers()
  if self.failure then
    self.host.log.info("shared store %s: redis %s answers again", self.name, self.settings.address)
  end
  self.failures, self.failure, self.is_away = 0, nil, false
  self.answered = C.neap_wall_ms() / 1000
end

function Link:pause()
  local interval = self.settings.interval
  return self.failures > 0 and math.max(interval, PAUSE) or interval
end

-- How many have the store in common, as far as is known.
function Link:balancers() return math.max(1, C.neap_lease_balancers(self.number)) end

---@param host table
---@param store table  of the config
---@param number integer  the store's
---@return table
function redis_link.new(host, store, number)
  return setmetatable({ host = host, name = store.name, settings = store.redis, number = number,
    failures = 0, is_away = false, due = 0 }, Link)
end

return redis_link
