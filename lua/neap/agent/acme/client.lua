-- Speaks with one CA (RFC 8555): its directory, nonces, signed requests. What the CA sends is not
-- trusted: types, sizes and URLs are looked at, and each loop has an end.
--
-- Everything here may wait. Failures are nil and a table (fault.lua).

local fault = require "neap.agent.acme.fault"
local json = require "neap.json"
local native = require "neap.native"

local client = {}
local Client = {}
Client.__index = Client

local TIMEOUT = 20           -- seconds, for each step of a request
local BODY_MAX = 128 * 1024
local DIRECTORY_AGE = 3600   -- seconds
local NONCES = 8             -- kept at most
local NONCE_TRIES = 4        -- of a request whose nonce the CA does not want
local URL_MAX = 2048
local NEEDED = { "newNonce", "newAccount", "newOrder" }

---@param settings table  directory; ca: not nil if tools.trust has whom its server is verified by
---@param tools table
---@param service integer  one whose settings these are, from 0
function client.new(settings, tools, service)
  return setmetatable({
    directory_url = settings.directory,
    is_secure = settings.directory:find "^https:" ~= nil,
    service = settings.ca and service,
    tools = tools,
    nonces = {},
  }, Client)
end

-- A URL that the CA names: https, unless the directory is not.
---@return string? url, table? failure
function Client:url(value, what)
  if type(value) ~= "string" or #value > URL_MAX or value:find "[%c%s\127-\255]"
    or not (value .. "/"):find "^https?://[^/?#@]+[/?]" then
    return fault.new(what .. ": the CA gave no URL")
  end
  if self.is_secure and not value:find "^https:" then
    return fault.new(what .. ": the CA gave a URL that is not https: " .. value)
  end
  return value
end

local function keep_nonce(self, headers)
  local nonce = headers["replay-nonce"]
  if nonce and #nonce <= 512 and nonce:find "^[%w_-]+$" and #self.nonces < NONCES then
    table.insert(self.nonces, nonce)
  end
end

-- The type of a problem document, without its prefix.
---@return string?
function client.kind_of(value)
  return type(value) == "string" and value:match "^urn:ietf:params:acme:error:(%w+)$" or nil
end

-- The problem document of an answer that says no (RFC 7807), or what else is known.
local function refusal(self, answer, url)
  local problem = json.decode(answer.body)
  local after = fault.retry_after(answer.headers["retry-after"], self.tools.wall())
  local kind, detail
  if type(problem) == "table" then
    kind = client.kind_of(problem.type)
    detail = type(problem.detail) == "string" and problem.detail or nil
  end
  local words = { ("the CA answered %d"):format(answer.status) }
  if kind then table.insert(words, kind) end
  if detail then table.insert(words, detail) end
  if not kind and not detail then table.insert(words, "at " .. url) end
  return fault.new(table.concat(words, ": "), kind, after)
end

-- Whom the CA's own server is verified by; nil: those that this machine trusts.
local function add_trust(self, options)
  if not self.service or not options.url:find "^https:" then return true end
  local text, why = self.tools.trust(self.service)
  if not text then return fault.new("tls.acme.ca: " .. why) end
  options.tls = { ca = text }
  return true
end

-- Words that name the URL already are enough.
local function no_answer(url, why)
  local text = tostring(why)
  return fault.new(text:find(url, 1, true) and text or url .. ": " .. text)
end

local function exchange(self, options)
  local trusts, failure = add_trust(self, options)
  if not trusts then return nil, failure end
  options.timeout, options.max_bytes = TIMEOUT, BODY_MAX
  options.headers = options.headers or {}
  options.headers["User-Agent"] = "neap/" .. (native.version or "0")
  local ok, answer, why = pcall(self.tools.request, options)
  if not ok then return no_answer(options.url, answer) end
  if not answer then return no_answer(options.url, why) end
  keep_nonce(self, answer.headers)
  return answer
end

-- Of the body, which must be an object.
local function object_of(answer, url)
  local value = json.decode(answer.body)
  if type(value) ~= "table" then return fault.new(url .. ": the answer is no JSON object") end
  return value
end

local function fetch_directory(self)
  local answer, failure = exchange(self, { url = self.directory_url })
  if not answer then return nil, failure end
  if answer.status ~= 200 then return refusal(self, answer, self.directory_url) end
  local object
  object, failure = object_of(answer, self.directory_url)
  if not object then return nil, failure end
  local directory = { needs_eab = type(object.meta) == "table"
    and object.meta.externalAccountRequired == true }
  for _, name in ipairs(NEEDED) do
    directory[name], failure = self:url(object[name], "directory: " .. name)
    if not directory[name] then return nil, failure end
  end
  return directory
end

---@return table? directory, table? failure
function Client:directory()
  local now = self.tools.now()
  if self.known and now - self.known_at < DIRECTORY_AGE then return self.known end
  local directory, failure = fetch_directory(self)
  if not directory then return nil, failure end
  self.known, self.known_at = directory, now
  return directory
end

local function take_nonce(self)
  local nonce = table.remove(self.nonces)
  if nonce then return nonce end
  local directory, failure = self:directory()
  if not directory then return nil, failure end
  local answer
  answer, failure = exchange(self, { url = directory.newNonce, method = "HEAD" })
  if not answer then return nil, failure end
  nonce = table.remove(self.nonces)
  if nonce then return nonce end
  if answer.status >= 400 then return refusal(self, answer, directory.newNonce) end
  return fault.new(directory.newNonce .. ": the CA gave no nonce")
end

local function quoted(text) return json.encode(text) end

-- JWS in its flattened form (RFC 7515 §7.2.2).
---@param tools table
---@param head string  protected header, JSON
---@param sign fun(input: string): string?, string?
function client.jws(tools, head, payload, sign)
  local protected, body = tools.base64url(head), tools.base64url(payload)
  if not protected or not body then return nil, "it is too long to be signed" end
  local signature, why = sign(protected .. "." .. body)
  if not signature then return nil, why end
  return ('{"protected":"%s","payload":"%s","signature":"%s"}'):format(protected, body, signature)
end

---@param signer table  key, and jwk (JSON) or kid
local function signed(self, signer, url, nonce, payload)
  local who = signer.kid and '"kid":' .. quoted(signer.kid) or '"jwk":' .. signer.jwk
  local head = ('{"alg":"ES256",%s,"nonce":%s,"url":%s}'):format(who, quoted(nonce), quoted(url))
  return client.jws(self.tools, head, payload, function(input)
    return self.tools.sign(signer.key, input)
  end)
end

local function post_once(self, signer, url, payload, accept)
  local nonce, failure = take_nonce(self)
  if not nonce then return nil, failure end
  local body, why = signed(self, signer, url, nonce, payload)
  if not body then return fault.new("the request cannot be signed: " .. tostring(why)) end
  local answer
  answer, failure = exchange(self, {
    url = url, method = "POST", body = body,
    headers = { ["Content-Type"] = "application/jose+json", Accept = accept },
  })
  if not answer then return nil, failure end
  if answer.status >= 200 and answer.status < 300 then return answer end
  return refusal(self, answer, url)
end

-- A signed request. payload "" reads (POST-as-GET, RFC 8555 §6.3).
---@return table? answer, table? failure
function Client:post(signer, url, payload, accept)
  local answer, failure
  for _ = 1, NONCE_TRIES do
    answer, failure = post_once(self, signer, url, payload, accept)
    if answer or failure.type ~= "badNonce" then break end
  end
  if failure and failure.type == "badNonce" then self.nonces = {} end
  return answer, failure
end

-- The same, for an answer that is an object; its `retry` is what Retry-After says, its `location`
-- the URL of what was made.
---@return table? object, table? failure, table? head  retry: seconds; location
function Client:ask(signer, url, payload)
  local answer, failure = self:post(signer, url, payload)
  if not answer then return nil, failure end
  local object
  object, failure = object_of(answer, url)
  if not object then return nil, failure end
  return object, nil, {
    retry = fault.retry_after(answer.headers["retry-after"], self.tools.wall()),
    location = answer.headers.location,
  }
end

return client
