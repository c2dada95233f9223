-- Certificates from a CA (`tls.acme`): each domain of a service has one of its own, which is got,
-- kept in the storage, shown to the workers, and renewed when a third of its life is left. A CA
-- that is away or says no stops nothing: it is asked again later.

local account = require "neap.agent.acme.account"
local client = require "neap.agent.acme.client"
local fault = require "neap.agent.acme.fault"
local order = require "neap.agent.acme.order"
local shelf = require "neap.agent.acme.shelf"
local store = require "neap.agent.acme.store"

local acme = {}
local Acme = {}
Acme.__index = Acme

local LIMIT = 300              -- seconds for one certificate
local AGAIN, AGAIN_MOST = 5, 3600 -- seconds after a failure, which double
local AT_ONCE = 4              -- certificates of one CA at a time
local LATER = 0.5              -- seconds, when that many are on their way, or nothing serves yet
local SOONEST = 1              -- seconds between two certificates of a domain
local CHECK_EVERY = 24 * 3600  -- seconds: the wall clock may have been set

local function date_of(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds) end

-- "50 ms" is never said: whole seconds, minutes or hours.
local function time_of(seconds)
  if seconds < 120 then return ("%.0f s"):format(math.max(seconds, 1)) end
  if seconds < 7200 then return ("%.0f min"):format(seconds / 60) end
  return ("%.0f h"):format(seconds / 3600)
end

-- Seconds until a certificate is to be renewed.
local function renewal(leaf, wall)
  return leaf.till - (leaf.till - leaf.from) / 3 - wall
end

local function name_of(domain)
  return ("tls.acme: %s of service %s"):format(domain.name, domain.service)
end

-- Workers use it from now on. One that they have no room for is kept until they have.
local function show(self, domain, pem, leaf)
  local ok, why = self.shelf:put("pem", domain.number, domain.name, pem)
  domain.unshown = not ok and { pem = pem, leaf = leaf } or nil
  if not ok then return nil, why end
  domain.state, domain.leaf, domain.failure = "valid", leaf, nil
  return true
end

-- What an agent before this one, or another run of neap, has left.
local function take_stored(self, domain)
  local log = self.tools.log
  local pem, why = domain.authority.store:certificate(domain.name)
  if not pem then
    if why then log.warn("%s: %s; a new certificate is asked for", name_of(domain), why) end
    return
  end
  local leaf
  leaf, why = self.tools.leaf(pem, domain.name)
  if not leaf then
    log.warn("%s: the stored file %s; a new certificate is asked for", name_of(domain), why)
    return
  end
  local ok
  ok, why = show(self, domain, pem, leaf)
  if not ok then log.error("%s: %s", name_of(domain), why) end
end

local function hide_answer(self, domain)
  local answer = domain.answer
  domain.answer = nil
  if answer then self.shelf:put(answer[1], answer[2], answer[3], nil) end
end

-- Shows the answer to a challenge, of either kind.
local function show_answer(self, domain, token, text)
  hide_answer(self, domain)
  if domain.challenge == "http-01" then
    domain.answer = { "http", domain.number, token }
    return self.shelf:put("http", domain.number, token, text)
  end
  local pem, why = self.tools.proof(domain.name, text)
  if not pem then return nil, why end
  domain.answer = { "alpn", domain.number, domain.name }
  return self.shelf:put("alpn", domain.number, domain.name, pem)
end

local function get_once(self, domain)
  local authority = domain.authority
  local known, failure = authority.account:get()
  if not known then return nil, failure end
  return order.get {
    domain = domain.name, challenge = domain.challenge, account = known, ca = authority.ca,
    tools = self.tools,
    show = function(token, text) return show_answer(self, domain, token, text) end,
  }
end

-- A CA that has lost the account is told of it again, once.
local function get(self, domain)
  local pem, failure = get_once(self, domain)
  if not pem and failure.type == "accountDoesNotExist" then
    domain.authority.account:forget()
    pem, failure = get_once(self, domain)
  end
  return pem, failure
end

-- Checked, kept and shown.
local function take_new(self, domain, pem)
  local leaf, why = self.tools.leaf(pem, domain.name)
  if not leaf then return fault.new("what the CA sent: " .. why) end
  if leaf.till <= self.tools.wall() then
    return fault.new("the CA sent a certificate that ended at " .. date_of(leaf.till)
      .. "; is this machine's clock right?")
  end
  local ok
  ok, why = domain.authority.store:keep_certificate(domain.name, pem)
  if not ok then
    self.tools.log.error("%s: %s; it is lost with the next reload", name_of(domain), why)
  end
  ok, why = show(self, domain, pem, leaf)
  if not ok then return fault.new(why) end
  return leaf
end

-- One that was got before: the CA is not asked for another.
local function show_again(self, domain)
  local kept = domain.unshown
  if not kept or renewal(kept.leaf, self.tools.wall()) <= 0 then return nil end
  local ok, why = show(self, domain, kept.pem, kept.leaf)
  if not ok then return fault.new(why) end
  return kept.leaf
end

local function run(self, domain)
  local shown, problem = show_again(self, domain)
  if shown or problem then return shown, problem end
  local prepared, why = domain.authority.store:prepare()
  if not prepared then return fault.at("storage", why) end
  domain.state = domain.leaf and domain.state or "ordered"
  local pem, failure = get(self, domain)
  if not pem then return nil, failure end
  return take_new(self, domain, pem)
end

local function next_after(self, domain)
  local wait = renewal(domain.leaf, self.tools.wall())
  return math.min(math.max(wait, SOONEST), CHECK_EVERY)
end

local function failed(self, domain, failure)
  if domain.state == "ordered" then domain.state = "waiting" end
  domain.again = math.min((domain.again or AGAIN / 2) * 2, AGAIN_MOST)
  local wait = math.max(domain.again, failure.after or 0)
  domain.failure, domain.next = failure.text, self.tools.wall() + wait
  local now = domain.leaf and ("the one until " .. date_of(domain.leaf.till) .. " serves on")
    or "none serves yet"
  self.tools.log.error("%s: no certificate: %s; %s; next try in %s", name_of(domain),
    failure.text, now, time_of(wait))
  return wait
end

local function succeeded(self, domain, leaf)
  domain.again = nil
  local wait = next_after(self, domain)
  domain.next = self.tools.wall() + renewal(leaf, self.tools.wall())
  self.tools.log.info("%s: new certificate, valid until %s; it is renewed at %s", name_of(domain),
    date_of(leaf.till), date_of(domain.next))
  return wait
end

-- A certificate that lives on needs nothing: workers have it.
local function is_due(self, domain)
  return not domain.leaf or renewal(domain.leaf, self.tools.wall()) <= 0
end

-- The job of one domain: see jobs.lua.
local function item_of(self, domain)
  local item = { limit = LIMIT, is_own = true }
  function item.run()
    local authority = domain.authority
    if not self.tools.is_serving() or authority.running >= AT_ONCE then return "later" end
    if not is_due(self, domain) then return "kept" end
    authority.running, item.is_counted = authority.running + 1, true
    return "done", run(self, domain)
  end
  function item.ended(_, outcome, what, leaf, failure)
    if item.is_counted then domain.authority.running = domain.authority.running - 1 end
    item.is_counted = false
    hide_answer(self, domain)
    if outcome == "timeout" then
      return failed(self, domain, { text = ("it took longer than %d s"):format(LIMIT) })
    elseif outcome == "error" then
      return failed(self, domain, { text = fault.clean(what) })
    elseif what == "later" then
      return LATER
    elseif what == "kept" then
      return next_after(self, domain)
    end
    if leaf then return succeeded(self, domain, leaf) end
    return failed(self, domain, failure)
  end
  return item
end

-- Services that say the same of their CA share its account.
local function authority_of(self, settings, service)
  local key = table.concat({ settings.directory, settings.storage }, "\n")
  local known = self.authorities[key]
  if known then return known end
  local ca = client.new(settings, self.tools, service)
  local files = store.new(settings, self.tools)
  known = {
    ca = ca, store = files, running = 0, key = key,
    account = account.new(settings, ca, files, self.tools),
  }
  self.authorities[key] = known
  return known
end

local function begin(self, domain)
  take_stored(self, domain)
  table.insert(self.domains, domain)
  self.jobs:set(item_of(self, domain), "acme", 0)
end

-- Begins with what is stored, so that workers have it before they accept anybody.
---@param config table  checked
---@param jobs table    (neap.agent.jobs)
---@param tools table   (neap.agent.acme.tools)
function acme.start(config, jobs, tools)
  local self = setmetatable({
    jobs = jobs, tools = tools, shelf = shelf.new(tools), authorities = {}, domains = {},
  }, Acme)
  for i, service in ipairs(config.services) do
    local settings = type(service.tls) == "table" and service.tls.acme or nil
    for _, name in ipairs(settings and settings.domains or {}) do
      begin(self, {
        name = name, service = service.name, number = i - 1, challenge = settings.challenge,
        state = "waiting", authority = authority_of(self, settings, i - 1),
      })
    end
  end
  return self
end

-- For /status: what is known of each domain of a service.
---@param number integer  the service's, from 0
---@return table[]
function Acme:states(number)
  local list = {}
  for _, domain in ipairs(self.domains) do
    if domain.number == number then
      table.insert(list, {
        domain = domain.name, state = domain.state, error = domain.failure,
        valid_until = domain.leaf and domain.leaf.till or nil, next = domain.next,
      })
    end
  end
  return list
end

return acme
