-- One certificate, from the order to the chain (RFC 8555 §7.4): the CA's challenge is answered by
-- the workers, for `show` puts the answer on the board.
--
-- Everything here may wait. Failures are nil and a table (fault.lua).

local client = require "neap.agent.acme.client"
local fault = require "neap.agent.acme.fault"
local json = require "neap.json"

local order = {}

local AUTHORIZATIONS_MAX = 4
local CHALLENGES_MAX = 32
local TOKEN_MAX = 256
local POLL_FIRST, POLL_MOST = 0.3, 5 -- seconds between two looks, unless the CA says how long
local POLL_LIMIT = 120               -- seconds until a state must have changed
local CHAIN_MAX = 16                 -- certificates
local BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
local CHAIN_TYPE = "application/pem-certificate-chain"

-- The words of the CA for a challenge or order that failed.
local function problem_of(object)
  local problem = type(object.error) == "table" and object.error or {}
  local detail = type(problem.detail) == "string" and problem.detail or nil
  return table.concat({ client.kind_of(problem.type) or "no reason", detail }, ": ")
end

-- Reads the object until its status is none of `pending`.
local function await(self, what, url, pending)
  local deadline, pause = self.tools.now() + POLL_LIMIT, POLL_FIRST
  while true do
    local object, failure, head = self.ca:ask(self.account, url, "")
    if not object then return fault.at(what, failure) end
    if type(object.status) ~= "string" then return fault.new(what .. ": it has no status") end
    if not pending[object.status] then return object end
    if self.tools.now() >= deadline then
      return fault.new(("%s: it is still %s after %d s"):format(what, object.status, POLL_LIMIT))
    end
    self.tools.sleep(math.min(head.retry or pause, POLL_MOST))
    pause = math.min(pause * 1.5, POLL_MOST)
  end
end

local function find_challenge(authorization, kind)
  local list = authorization.challenges
  if type(list) ~= "table" then return nil end
  for i = 1, math.min(#list, CHALLENGES_MAX) do
    local challenge = list[i]
    if type(challenge) == "table" and challenge.type == kind then return challenge end
  end
end

-- Of an authorization that is invalid: the challenge that says why.
local function why_invalid(authorization, kind)
  local challenge = find_challenge(authorization, kind)
  return problem_of(challenge or authorization)
end

-- The token is part of a path and of a text that is signed.
local function token_of(challenge)
  local token = challenge.token
  if type(token) ~= "string" or #token > TOKEN_MAX then return nil end
  return token:match "^[%w_-]+$"
end

local function answer_challenge(self, challenge)
  local token = token_of(challenge)
  if not token then return fault.new "the challenge has no token" end
  local url, failure = self.ca:url(challenge.url, "challenge")
  if not url then return nil, failure end
  local ok, why = self.show(token, token .. "." .. self.account.thumbprint)
  if not ok then return fault.at("the answer to the challenge", why) end
  ok, failure = self.ca:ask(self.account, url, "{}")
  if not ok then return fault.at("challenge", failure) end
  return true
end

local function authorize(self, url)
  local authorization, failure = await(self, "authorization", url, {})
  if not authorization then return nil, failure end
  if authorization.status == "valid" then return true end
  if authorization.status ~= "pending" then
    return fault.new("authorization: it is " .. authorization.status)
  end
  local challenge = find_challenge(authorization, self.challenge)
  if not challenge then
    return fault.new("the CA offers no challenge " .. self.challenge .. " for this name")
  end
  local ok
  ok, failure = answer_challenge(self, challenge)
  if not ok then return nil, failure end
  authorization, failure = await(self, "authorization", url, { pending = true })
  if not authorization then return nil, failure end
  if authorization.status == "valid" then return true end
  return fault.new(("the CA did not accept the answer to %s: %s"):format(self.challenge,
    why_invalid(authorization, self.challenge)))
end

local function authorize_all(self, made)
  local list = made.authorizations
  if type(list) ~= "table" or #list < 1 or #list > AUTHORIZATIONS_MAX then
    return fault.new "order: its list of authorizations cannot be used"
  end
  for _, value in ipairs(list) do
    local url, failure = self.ca:url(value, "authorization")
    if not url then return nil, failure end
    local ok
    ok, failure = authorize(self, url)
    if not ok then return nil, failure end
  end
  return true
end

local function new_order(self)
  local directory, failure = self.ca:directory()
  if not directory then return nil, failure end
  local text = ('{"identifiers":[{"type":"dns","value":%s}]}'):format(json.encode(self.domain))
  local made, head
  made, failure, head = self.ca:ask(self.account, directory.newOrder, text)
  if not made then return fault.at("order", failure) end
  made.url, failure = self.ca:url(head.location, "the order's location")
  if not made.url then return nil, failure end
  return made
end

-- With the key that the certificate is for.
local function finalize(self, made, key)
  local url, failure = self.ca:url(made.finalize, "finalize")
  if not url then return nil, failure end
  local request, why = self.tools.csr(key, self.domain)
  if not request then return fault.new(why) end
  local ok
  ok, failure = self.ca:ask(self.account, url,
    '{"csr":"' .. self.tools.base64url(request) .. '"}')
  if not ok then return fault.at("finalize", failure) end
  return true
end

local function in_state(wanted, object)
  if object.status == wanted then return object end
  return fault.new(("order: it is %s, not %s: %s"):format(fault.clean(object.status), wanted,
    problem_of(object)))
end

-- Nothing but certificates goes into the file, whatever is around them.
local function chain_of(body)
  local parts, at = {}, 1
  while true do
    local from = body:find(BEGIN, at, true)
    local _, till = body:find(END, from or #body + 1, true)
    if not from or not till then break end
    local text = body:sub(from + #BEGIN, till - #END)
    if #parts >= CHAIN_MAX then return fault.new "the chain has too many certificates" end
    if not text:find "^[%w+/=%s]+$" then return fault.new "the chain is damaged" end
    table.insert(parts, BEGIN .. text .. END .. "\n")
    at = till + 1
  end
  if #parts == 0 then return fault.new "the CA sent no certificate" end
  return table.concat(parts)
end

local function download(self, made)
  local url, failure = self.ca:url(made.certificate, "certificate")
  if not url then return nil, failure end
  local answer
  answer, failure = self.ca:post(self.account, url, "", CHAIN_TYPE)
  if not answer then return fault.at("certificate", failure) end
  return chain_of(answer.body)
end

-- The order's states one after the other: ready, then valid.
local function carry_out(self, made)
  local ok, failure = authorize_all(self, made)
  if not ok then return nil, failure end
  ok, failure = await(self, "order", made.url, { pending = true, processing = true })
  if ok and ok.status ~= "valid" then ok, failure = in_state("ready", ok) end
  if not ok then return nil, failure end
  local key, why = self.tools.key()
  if not key then return fault.new(why) end
  ok, failure = finalize(self, made, key)
  if not ok then return nil, failure end
  ok, failure = await(self, "order", made.url, { processing = true, ready = true })
  if ok then ok, failure = in_state("valid", ok) end
  if not ok then return nil, failure end
  local chain
  chain, failure = download(self, ok)
  if not chain then return nil, failure end
  return chain .. key
end

-- options: domain, challenge, account (as Account:get gives it), ca, tools, and show(token, text):
-- from then on workers answer with it.
---@return string? pem, table? failure  -- chain and key
function order.get(options)
  local made, failure = new_order(options)
  if not made then return nil, failure end
  return carry_out(options, made)
end

return order
