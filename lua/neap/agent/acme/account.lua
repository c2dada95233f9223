-- The account at a CA: its key, and the URL by which the CA knows it. Both are kept in the storage.
--
-- Everything here may wait. Failures are nil and a table (fault.lua).

local client = require "neap.agent.acme.client"
local fault = require "neap.agent.acme.fault"
local json = require "neap.json"

local account = {}
local Account = {}
Account.__index = Account

local LOOK_EVERY = 0.1 -- seconds, while another domain makes the account
local BUSY_LIMIT = 90  -- seconds; one that was ended meanwhile never says that it is done

---@param settings table  email, eab
---@param ca table      (neap.agent.acme.client)
---@param store table   (neap.agent.acme.store)
---@param tools table
function account.new(settings, ca, store, tools)
  return setmetatable({
    settings = settings, ca = ca, store = store, tools = tools, busy_until = 0,
  }, Account)
end

-- The key, known before or new; it is kept before the CA hears of it.
local function load(self)
  local known, why = self.store:account()
  if why then return fault.new(why) end
  if not known then
    known = {}
    known.key, why = self.tools.key()
    if not known.key then return fault.new(why) end
    local ok
    ok, why = self.store:keep_account(known)
    if not ok then return fault.new(why) end
  end
  known.jwk, why = self.tools.jwk(known.key)
  if not known.jwk then return fault.at("the account's key in the storage", why) end
  known.thumbprint, why = self.tools.digest(known.jwk)
  if not known.thumbprint then return fault.new(why) end
  return known
end

-- The binding to an account that exists at the CA already (RFC 8555 §7.3.4).
local function binding(self, known, url)
  local eab = self.settings.eab
  local key, why = self.tools.bytes(eab.key:match "^([^=]*)=*$" or eab.key)
  if not key then return fault.at("eab.key", why) end
  local head = ('{"alg":"HS256","kid":%s,"url":%s}'):format(json.encode(eab.id), json.encode(url))
  local text
  text, why = client.jws(self.tools, head, known.jwk, function(input)
    return self.tools.mac(key, input)
  end)
  if not text then return fault.at("eab", why) end
  return text
end

local function request_text(self, known, url)
  local parts = { '"termsOfServiceAgreed":true' }
  if self.settings.email then
    table.insert(parts, '"contact":[' .. json.encode("mailto:" .. self.settings.email) .. "]")
  end
  if self.settings.eab then
    local text, failure = binding(self, known, url)
    if not text then return nil, failure end
    table.insert(parts, '"externalAccountBinding":' .. text)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function register(self, known)
  local directory, failure = self.ca:directory()
  if not directory then return nil, failure end
  if directory.needs_eab and not self.settings.eab then
    return fault.new "the CA wants the key `eab` (an id and a key of an account there)"
  end
  local text
  text, failure = request_text(self, known, directory.newAccount)
  if not text then return nil, failure end
  local _, head
  _, failure, head = self.ca:ask({ key = known.key, jwk = known.jwk }, directory.newAccount, text)
  if failure then return fault.at("the account", failure) end
  known.kid, failure = self.ca:url(head.location, "the account's location")
  if not known.kid then return nil, failure end
  local ok, why = self.store:keep_account(known)
  if not ok then return fault.new(why) end
  self.tools.log.info("tls.acme: account %s at %s", known.kid, self.ca.directory_url)
  return known
end

local function make(self)
  local known, failure = self.known, nil
  if not known then known, failure = load(self) end
  if not known then return nil, failure end
  if known.kid then return known end
  return register(self, known)
end

-- Ready to sign: key, kid, thumbprint. Only one coroutine makes it.
---@return table? known, table? failure
function Account:get()
  while self.tools.now() < self.busy_until do self.tools.sleep(LOOK_EVERY) end
  if self.known and self.known.kid then return self.known end
  self.busy_until = self.tools.now() + BUSY_LIMIT
  local ok, known, failure = pcall(make, self)
  self.busy_until = 0
  if not ok then return fault.new(known) end
  self.known = known
  return known, failure
end

-- The CA no longer knows it: the next one who asks registers the key anew.
function Account:forget()
  if self.known then self.known.kid = nil end
end

return account
