-- A client of etcd v3 over its JSON gateway: keys by range, changes by watch, leases, transactions.
-- In coroutines that may wait. Whoever keeps one has one connection, and one more for each watch.
--
-- Its functions return nil and why when they fail. With several endpoints, one that does not answer
-- is followed by the next one, within the call.

local base64 = require "neap.text.base64"
local files = require "neap.discover.files"
local web = require "neap.discover.web"

local etcd = {}
local Client = {}
Client.__index = Client

local LOCAL = "http://127.0.0.1:2379"
local MESSAGE_MAX = 4194304 -- bytes
local CALL_SECONDS = 5
local UNAUTHENTICATED = 16 -- of gRPC; etcd says it of a token that is too old, too

-- settings: endpoints, user, password or password_file, tls (paths), max_bytes
---@param settings table
---@return table
function etcd.new(settings)
  return setmetatable({
    settings = settings,
    endpoints = settings.endpoints or { LOCAL },
    at = 1,
  }, Client)
end

function Client:endpoint() return (self.endpoints[self.at]:gsub("/$", "")) end

function Client:next_endpoint() self.at = self.at % #self.endpoints + 1 end

local function password_of(settings)
  if not settings.password_file then return settings.password or "" end
  return files.first_line(settings.password_file)
end

local function number_of(text) return tonumber(text) or 0 end

-- Endpoints that do not belong together would each have another truth.
local function check_cluster(self, value)
  local id = type(value.header) == "table" and value.header.cluster_id
  if not id or id == self.cluster_id then return true end
  if self.cluster_id and #self.endpoints > 1 then
    return nil, ("%s: it belongs to another etcd cluster (%s) than %s (%s)"):format(
      self:endpoint(), tostring(id), self.cluster_of, tostring(self.cluster_id))
  end
  self.cluster_id, self.cluster_of = id, self:endpoint()
  return true
end

local function request(self, path, body, stream, seconds)
  return web.request(self.settings, {
    url = self:endpoint() .. path, method = "POST", body = web.encode(body), stream = stream,
    timeout = seconds or CALL_SECONDS, headers = {
      Authorization = self.token,
      -- A member that has lost its cluster ends a watch, which would else be silent.
      ["Grpc-Metadata-Hasleader"] = "true",
    },
  })
end

local function sign_in(self)
  local settings = self.settings
  if not settings.user or self.token then return true end
  local password, why = password_of(settings)
  if not password then return nil, why end
  local answer
  answer, why = request(self, "/v3/auth/authenticate",
    { name = settings.user, password = password })
  if not answer then return nil, why end
  local value = answer.status == 200 and web.decode(answer.body)
  if type(value) ~= "table" or type(value.token) ~= "string" then
    return nil, ("%s: no token for user %s: %s"):format(self:endpoint(), settings.user,
      web.refusal(answer))
  end
  self.token = value.token
  return true
end

local function is_unauthenticated(value)
  return type(value) == "table" and (value.code == UNAUTHENTICATED or value.grpc_code
    == UNAUTHENTICATED)
end

-- One question to one endpoint. The third value: it was the endpoint's fault.
local function ask(self, path, body)
  local ok, why = sign_in(self)
  if not ok then return nil, why, true end
  local answer
  answer, why = request(self, path, body)
  if not answer then return nil, why, true end
  local value = web.decode(answer.body)
  if answer.status == 200 and type(value) == "table" then
    ok, why = check_cluster(self, value)
    if ok then return value end
    return nil, why, true
  end
  if is_unauthenticated(value) and self.token then
    self.token = nil
    return nil, "the token is too old", true
  end
  return nil, ("%s: %s"):format(self:endpoint(), web.refusal(answer)), answer.status >= 500
end

-- Each endpoint once, and one time more for a new token.
---@param path string
---@param body table
---@return table? value, string? why
function Client:call(path, body)
  local reasons, left = {}, #self.endpoints
  while left > 0 do
    local had_token = self.token
    local value, why, is_its_fault = ask(self, path, body)
    if value then return value end
    if not is_its_fault then return nil, why end
    if had_token and not self.token and not self.is_renewing then
      self.is_renewing = true
    else
      left, self.is_renewing = left - 1, nil
      table.insert(reasons, why)
      self:next_endpoint()
    end
  end
  return nil, table.concat(reasons, "; ")
end

-- What comes after all keys with that prefix: itself with its last byte one higher.
---@param prefix string
---@return string
function etcd.range_end(prefix)
  for i = #prefix, 1, -1 do
    local byte = prefix:byte(i)
    if byte < 255 then return prefix:sub(1, i - 1) .. string.char(byte + 1) end
  end
  return "\0"
end

local function text_of(field) return type(field) == "string" and base64.decode(field) or "" end

local function table_of(field) return type(field) == "table" and field or {} end

---@param kv table  as etcd has it
---@return table  key, value, mod_revision, create_revision, version, lease (texts)
local function pair_of(kv)
  kv = table_of(kv)
  return {
    key = text_of(kv.key), value = text_of(kv.value), mod_revision = kv.mod_revision,
    create_revision = kv.create_revision, version = kv.version, lease = kv.lease,
  }
end

local function span(prefix)
  if prefix == "" then prefix = "\0" end
  return base64.encode(prefix), base64.encode(etcd.range_end(prefix))
end

-- All keys with that prefix, as one revision has them.
---@param prefix string
---@param options table?  limit, count_only
---@return table? found  pairs, revision, count (of all), is_cut
---@return string? why
function Client:range(prefix, options)
  local body = options or {}
  body.key, body.range_end = span(prefix)
  local value, why = self:call("/v3/kv/range", body)
  if not value then return nil, why end
  local found = { pairs = {}, revision = number_of(table_of(value.header).revision),
    count = number_of(value.count), is_cut = value.more == true }
  for i, kv in ipairs(table_of(value.kvs)) do found.pairs[i] = pair_of(kv) end
  if found.revision > 0 then return found end
  return nil, self:endpoint() .. ": its answer has no revision, so this is not etcd's v3 gateway"
end

---@param key string
---@param text string
---@param lease string?  the key goes with it
---@return table? value, string? why
function Client:put(key, text, lease)
  return self:call("/v3/kv/put", { key = base64.encode(key), value = base64.encode(text),
    lease = lease })
end

---@param key string
function Client:delete(key)
  return self:call("/v3/kv/deleterange", { key = base64.encode(key) })
end

-- compare, success, failure as etcd has them, keys and values in base64.
---@return boolean? succeeded, string|table why_or_responses
function Client:txn(body)
  local value, why = self:call("/v3/kv/txn", body)
  if not value then return nil, why end
  return value.succeeded == true, value.responses or {}
end

---@param seconds integer
---@return string? lease, string? why
function Client:grant(seconds)
  local value, why = self:call("/v3/lease/grant", { TTL = seconds })
  if not value then return nil, why end
  return value.ID, value.error
end

-- Seconds that it has now; 0: it is over.
---@param lease string
---@return number? seconds, string? why
function Client:keep_alive(lease)
  local value, why = self:call("/v3/lease/keepalive", { ID = lease })
  if not value then return nil, why end
  return number_of(table_of(value.result).TTL)
end

---@param lease string
function Client:revoke(lease) return self:call("/v3/lease/revoke", { ID = lease }) end

-- ---- watch ----

local function events_of(result)
  local events = {}
  for i, event in ipairs(table_of(result.events)) do
    local pair = pair_of(table_of(event).kv)
    pair.is_deleted = table_of(event).type == "DELETE"
    events[i] = pair
  end
  return events
end

-- One message of the stream. false: it has ended; and why, and whether the revision is too old.
local function take(self, line, on)
  local value, why = web.decode(line)
  if type(value) ~= "table" then return false, ("%s: %s"):format(self:endpoint(), tostring(why)) end
  if type(value.error) == "table" then
    if is_unauthenticated(value.error) then self.token = nil end
    return false, ("%s: %s"):format(self:endpoint(), tostring(value.error.message))
  end
  local result = table_of(value.result)
  local ok
  ok, why = check_cluster(self, result)
  if not ok then return false, why end
  if result.canceled then
    local is_compacted = number_of(result.compact_revision) > 0
    return false, ("%s: %s"):format(self:endpoint(), tostring(result.cancel_reason
      or "the watch was cancelled")), is_compacted
  end
  local goes_on = on(events_of(result), number_of(table_of(result.header).revision))
  if goes_on == false then return false, self:endpoint() .. ": the watch was given up" end
  return true
end

local function open_watch(self, prefix, from, seconds)
  local ok, why = sign_in(self)
  if not ok then return nil, why end
  local key, range_end = span(prefix)
  local answer
  answer, why = request(self, "/v3/watch", { create_request = { key = key, range_end = range_end,
    start_revision = ("%d"):format(from) } }, true, seconds)
  if not answer or answer.status == 200 then return answer, why end
  if answer.status == 401 then self.token = nil end
  answer:close()
  return nil, ("%s: it answers %d"):format(self:endpoint(), answer.status)
end

-- Follows all keys with that prefix from that revision on. It ends after so many seconds of its own
-- accord (true), for a connection that is cut in silence would never end; and by failures: nil,
-- why, and whether etcd has forgotten that revision. The next call takes the next endpoint then.
---@param prefix string
---@param from integer
---@param seconds number
---@param on fun(events: table[], revision: number): boolean?  first without events: the watch
---  stands; false: it is to end
---@return true? is_over, string? why, boolean? is_compacted
function Client:watch(prefix, from, seconds, on)
  local answer, why = open_watch(self, prefix, from, seconds)
  local is_compacted, _
  if answer then
    _, why = web.lines(answer, self.settings.max_bytes or MESSAGE_MAX, function(line)
      local goes_on, reason
      goes_on, reason, is_compacted = take(self, line, on)
      return goes_on, reason
    end)
    answer:close()
    if why == "timeout" then return true end
    why = why or "it ended the watch"
  end
  if not is_compacted then self:next_endpoint() end
  return nil, why, is_compacted
end

return etcd
