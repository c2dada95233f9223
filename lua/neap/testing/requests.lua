-- The structs of `request` in the kit, and the records of what C would read from the head: made
-- from a table of fields.

local ffi = require "neap.ffi"
local sorted = require "neap.sorted"
local message = require "neap.testing.message"

local requests = {}

local KEYS = {
  method = "string", path = "string", query = "string", host = "string", scheme = "string",
  version = "string", client_ip = "string", client_port = "number", headers = "table",
  time = "number", body = "string", cookies = "table",
  sni = "string", alpn = "table", ja4 = "string", tls = "table", key = "string",
}
local TLS = {
  version = "TLSv1.3", cipher = "TLS_AES_128_GCM_SHA256", sni = false, alpn = false,
  resumed = false, ja4 = false, client = false,
}
local CLIENT = {
  subject = "", issuer = "", serial = "", names = {}, fingerprint = "", not_after = 0,
  verified = true, error = false,
  certificate = false, -- PEM, for Client-Cert
}
local DEFAULTS = { method = "GET", path = "/", host = "localhost", client_ip = "127.0.0.1" }

local function check(given)
  if type(given) ~= "table" then
    error(("a request is a table: { path = \"/\", headers = {} }, not %s"):format(type(given)), 4)
  end
  for key, value in pairs(given) do
    local kind = KEYS[key]
    if not kind then error(("a request has no '%s'"):format(tostring(key)), 4) end
    if type(value) ~= kind then
      error(("a request's %s must be a %s, not %s"):format(key, kind, type(value)), 4)
    end
  end
end

-- The fields of `given` over their defaults (false: none).
local function over(defaults, given, what)
  local whole = {}
  for key, value in pairs(defaults) do whole[key] = value or nil end
  for key, value in pairs(given) do
    if defaults[key] == nil then error(("%s has no '%s'"):format(what, tostring(key)), 5) end
    whole[key] = value
  end
  return whole
end

local function tls_of(given)
  if not given then return nil end
  local tls = over(TLS, given, "a request's tls")
  if tls.client then tls.client = over(CLIENT, tls.client, "a request's tls.client") end
  return tls
end

local function cookie_text(cookies)
  local parts = {}
  for _, name in ipairs(sorted.keys(cookies)) do
    table.insert(parts, ("%s=%s"):format(name, tostring(cookies[name])))
  end
  return table.concat(parts, "; ")
end

local PEM_BEGIN, PEM_END = "-----BEGIN CERTIFICATE-----", "-----END"

-- RFC 9440: who has which certificate is for neap to say. (PEM is base64 of its bytes, in lines.)
local function client_cert(tls)
  local client = tls and tls.client
  local text = client and client.verified and client.certificate
  if not text then return nil end
  local _, begin = text:find(PEM_BEGIN, 1, true)
  local finish = text:find(PEM_END, begin or #text, true)
  if not finish then error("a request's tls.client.certificate is a text in PEM", 4) end
  local base64 = text:sub(begin + 1, finish - 1)
  return { { "Client-Cert", ":" .. base64:gsub("%s+", "") .. ":" } }
end

local OF_NEAP = { ["client-cert"] = true, ["client-cert-chain"] = true }

local function without_own(fields)
  local list = {}
  for _, field in ipairs(fields) do
    if not OF_NEAP[field[1]:lower()] then table.insert(list, field) end
  end
  return list
end

-- The fields of the head, with its Host first.
local function head_fields(record, given)
  local fields = without_own(message.fields(given.headers))
  record.own_fields = client_cert(record.tls)
  local host
  for _, field in ipairs(fields) do
    if field[1]:lower() == "host" then host = host or field[2] end
  end
  record.host = given.host or host or DEFAULTS.host
  if not host then table.insert(fields, 1, { "Host", record.host }) end
  if given.cookies then table.insert(fields, { "Cookie", cookie_text(given.cookies) }) end
  return fields
end

local function set_text(r, key, text)
  r[key], r[key .. "_n"] = text, #text
end

-- Writes what the record says into its struct; the record keeps the texts alive.
local MINORS = { ["1.0"] = 0, ["1.1"] = 1, ["2"] = 2 }

local function fill(record)
  local r = record.struct
  r.is_tcp = record.is_tcp and 1 or 0
  r.time, r.port, r.minor = record.time, record.client_port, MINORS[record.version] or 1
  r.secure = record.scheme == "https" and 1 or 0
  if record.key then set_text(r, "key", record.key) end
  if record.is_tcp then return end
  for _, key in ipairs { "method", "path", "host" } do set_text(r, key, record[key]) end
  r.has_query = record.query and 1 or 0
  if record.query then set_text(r, "query", record.query) end
end

-- Begins anew, under a new id: nothing is tried, nothing is changed.
---@param world table
---@param record table
function requests.renew(world, record)
  local r = record.struct
  local old = tonumber(r.id)
  if world.records[old] == record then world.records[old] = nil end
  local id = world.last_id + 1
  world.last_id = id
  r.id, r.attempt, r.pool, r.slot, r.epoch, r.tried_n, r.has_state = id, 1, -1, -1, 0, 0, 0
  r.edits, r.new_path = nil, nil
  record.edits, record.new_path, record.reply, record.own_body = nil, nil, nil, nil
  record.id = id
  world.records[id] = record
end

---@param world table
---@param given table?  method, path (its query too), query, host, scheme, version, client_ip,
---  client_port, headers, cookies, body, time, sni, alpn (a list), ja4, tls (as request.tls), key
---@param is_tcp boolean?
---@return table record
function requests.new(world, given, is_tcp)
  given = given or {}
  check(given)
  local record = { struct = ffi.new "neap_request", is_tcp = is_tcp, cookies = given.cookies }
  for _, key in ipairs { "method", "path", "client_ip" } do
    record[key] = given[key] or DEFAULTS[key]
  end
  local path, query = record.path:match "^([^?]*)%?(.*)$"
  record.path, record.query = path or record.path, given.query or query
  record.client_port, record.scheme = given.client_port or 40000, given.scheme
  record.version, record.body = given.version or "1.1", given.body or ""
  record.time = given.time or world.now()
  record.sni, record.alpn, record.ja4 = given.sni, given.alpn, given.ja4
  record.key = given.key
  record.tls = tls_of(given.tls)
  if record.tls then record.scheme = given.scheme or "https" end
  record.fields = is_tcp and {} or head_fields(record, given)
  fill(record)
  requests.renew(world, record)
  return record
end

-- Notes that a backend was tried.
function requests.tried(record, slot)
  local r = record.struct
  local n = r.tried_n
  if not record.tried or record.tried_max <= n then
    local more = ffi.new("int32_t[?]", n * 2 + 8)
    for i = 0, n - 1 do more[i] = record.tried[i] end
    record.tried, record.tried_max = more, n * 2 + 8
  end
  record.tried[n] = slot
  r.tried, r.tried_n, r.attempt = record.tried, n + 1, r.attempt + 1
end

return requests
