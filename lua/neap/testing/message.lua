-- Requests and answers of one virtual balancer: what abi_message.c and edits.c do with the bytes of
-- a message, here with lists of fields. Each struct has a record, by its id.

local ffi = require "neap.ffi"
local trim = require "neap.trim"

local message = {}

local N = ffi.numbers
local FULL, FORBIDDEN = N.NEAP_EDITS_FULL, N.NEAP_EDITS_FORBIDDEN
local BAD_NAME, BAD_VALUE = N.NEAP_EDITS_BAD_NAME, N.NEAP_EDITS_BAD_VALUE
local EDITS_MAX, EDITS_BYTES_MAX = N.NEAP_EDITS_MAX, N.NEAP_EDITS_BYTES_MAX
local REPLY_HEADERS_MAX, PATH_MAX = N.NEAP_REPLY_HEADERS_MAX, N.NEAP_PATH_MAX

local function set_of(words)
  local set = {}
  for word in words:gmatch "%S+" do set[word] = true end
  return set
end

-- Fields that say where a message ends, or belong to one connection only.
local OF_CONNECTION = set_of [[connection keep-alive proxy-connection te transfer-encoding upgrade
  http2-settings proxy-authenticate proxy-authorization proxy-authentication-info content-length
  expect]]
local KNOWN = set_of [[host connection content-length transfer-encoding te trailer upgrade expect
  keep-alive proxy-connection proxy-authenticate proxy-authorization proxy-authentication-info
  http2-settings forwarded x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port
  x-real-ip cookie set-cookie date server via content-type authorization max-forwards x-neap-error
  x-neap-id client-cert client-cert-chain]]

local function check(name, value)
  if not name:find "^[%w!#$%%&'*+.^_`|~-]+$" then return BAD_NAME end
  local lower = name:lower()
  local dashed = lower:gsub("_", "-")
  local is_alias = lower ~= dashed and (KNOWN[dashed] or dashed:find "^x%-forwarded%-")
  if OF_CONNECTION[lower] or is_alias then return FORBIDDEN end
  if not value then return lower == "host" and FORBIDDEN or 0 end
  return value:find "[%z\1-\8\10-\31\127]" and BAD_VALUE or 0
end

-- Notes a change in record.edits; 0 or what is wrong with it.
local function edit(record, name, value, replaces)
  value = value and trim.field(value)
  local code = check(name, value)
  if code ~= 0 then return code end
  local edits = record.edits or { bytes = 0 }
  if #edits == EDITS_MAX or edits.bytes + #name + #(value or "") > EDITS_BYTES_MAX then
    return FULL
  end
  local lower = name:lower()
  for _, one in ipairs(edits) do
    if replaces and one.lower == lower then one.is_dead = true end
  end
  table.insert(edits, { name = name, lower = lower, value = value, replaces = replaces })
  edits.bytes = edits.bytes + #name + #(value or "")
  record.edits = edits
  return 0
end

-- The change for that name: its value; false: taken out; nil: no change.
local function edited(record, lower)
  local found
  for _, one in ipairs(record.edits or {}) do
    if one.lower == lower and not one.is_dead then
      if one.value then return one.value end
      found = false
    end
  end
  return found
end

local function header(record, name)
  local lower = name:lower()
  local value = edited(record, lower)
  if value ~= nil then return value or nil end
  local values = {}
  for _, field in ipairs(record.fields) do
    if field[1]:lower() == lower then table.insert(values, field[2]) end
  end
  if #values == 0 then return nil end
  return table.concat(values, lower == "cookie" and "; " or ", ")
end

local function cookie(record, name)
  for item in (header(record, "cookie") or ""):gmatch "[^;]+" do
    local key, value = trim.field(item):match "^([^=]*)=(.*)$"
    if key == name then return value:match '^"(.*)"$' or value end
  end
end

-- A list of { name, value } of a message as it goes out.
---@param without_own boolean?  not those that neap adds itself
---@return table[]
function message.fields_out(record, without_own)
  local replaced, list = {}, {}
  for _, one in ipairs(record.edits or {}) do
    if one.replaces then replaced[one.lower] = true end
  end
  for _, fields in ipairs { record.fields, not without_own and record.own_fields or {} } do
    for _, field in ipairs(fields) do
      if not replaced[field[1]:lower()] then table.insert(list, { field[1], field[2] }) end
    end
  end
  for _, one in ipairs(record.edits or {}) do
    if one.value and not one.is_dead then table.insert(list, { one.name, one.value }) end
  end
  return list
end

-- From name = text or list of texts, or a list of { name, value }, to a list, names in order.
---@return table[]
function message.fields(given)
  local list, names = {}, {}
  for key, value in pairs(given or {}) do
    if type(key) == "string" then table.insert(names, key) else list[key] = value end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = given[name]
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      table.insert(list, { name, tostring(value) })
    end
  end
  return list
end

local function is_target(path)
  local head = path:match "^[^?]*"
  if #path > PATH_MAX or path:sub(1, 1) ~= "/" or path:find "[%z\1-\32\127#]"
    or head:find "[\128-\255\"<>\\]" then
    return false
  end
  return not head:gsub("%%%x%x", ""):find("%", 1, true)
end

local function lengths_first(names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = string.char(#name) .. name end
  return table.concat(parts)
end

-- What a ClientHello says; ALPN as it stands there.
local function said(record, what)
  if what == N.NEAP_SAID_SNI then return record.sni end
  if what == N.NEAP_SAID_JA4 then return record.ja4 end
  return record.alpn and lengths_first(record.alpn)
end

-- What is known of TLS that is ended here, as the spec gave it.
local TLS_TEXTS = {
  [N.NEAP_TLS_TEXT_VERSION] = "version", [N.NEAP_TLS_TEXT_CIPHER] = "cipher",
  [N.NEAP_TLS_TEXT_SNI] = "sni", [N.NEAP_TLS_TEXT_ALPN] = "alpn", [N.NEAP_TLS_TEXT_JA4] = "ja4",
}
local CLIENT_TEXTS = {
  [N.NEAP_TLS_TEXT_SUBJECT] = "subject", [N.NEAP_TLS_TEXT_ISSUER] = "issuer",
  [N.NEAP_TLS_TEXT_SERIAL] = "serial", [N.NEAP_TLS_TEXT_FINGERPRINT] = "fingerprint",
  [N.NEAP_TLS_TEXT_ERROR] = "error",
}

local function packed(names)
  local parts = {}
  for i, name in ipairs(names or {}) do
    parts[i] = string.char(math.floor(#name / 256), #name % 256) .. name
  end
  return table.concat(parts)
end

local function tls_text(tls, what)
  if TLS_TEXTS[what] then return tls[TLS_TEXTS[what]] end
  if what == N.NEAP_TLS_TEXT_NAMES then return packed(tls.client.names) end
  return tls.client[CLIENT_TEXTS[what]]
end

-- What a ClientHello says, for the hook `certificate`; ALPN as it stands there.
local function hello_text(hello, what)
  if what == N.NEAP_HELLO_SNI then return hello.sni end
  if what == N.NEAP_HELLO_JA4 then return hello.ja4 end
  if what == N.NEAP_HELLO_VERSIONS then return table.concat(hello.versions, " ") end
  return hello.alpn and lengths_first(hello.alpn)
end

local function add_tls(C, answer, record_of, out)
  function C.neap_tls_look(r, to)
    local tls = record_of(r).tls
    if not tls then return 0 end
    local client = tls.client
    to.resumed, to.has_client = tls.resumed and 1 or 0, client and 1 or 0
    to.verified = client and client.verified ~= false and 1 or 0
    return 1
  end
  function C.neap_hello_text(r, what) return answer(hello_text(record_of(r).hello, what)) end
  function C.neap_tls_text(r, what) return answer(tls_text(record_of(r).tls, tonumber(what))) end
  -- The kit reads no certificates.
  function C.neap_certificate_try(chain)
    if chain:find("-----BEGIN CERTIFICATE-----", 1, true) then return 1 end
    out "certificate: no certificate in it (expected PEM: \"-----BEGIN CERTIFICATE-----\")"
    return 0
  end
  function C.neap_tls_not_after(r) return record_of(r).tls.client.not_after or 0 end
end

local ONE = ffi.cast("void *", 1) -- there is something, not what

local function add_request(C, answer, record_of)
  function C.neap_request_header(r, name) return answer(header(record_of(r), name)) end
  function C.neap_request_cookie(r, name) return answer(cookie(record_of(r), name)) end
  function C.neap_request_said(r, what) return answer(said(record_of(r), what)) end
  function C.neap_request_client_ip(r) return answer(record_of(r).client_ip) end
  function C.neap_request_id(r) return answer(("0-%x"):format(tonumber(r.id))) end

  function C.neap_request_set_header(r, name, _, value)
    local record = record_of(r)
    local code = edit(record, name, value, true)
    if record.edits then r.edits = ONE end
    return code
  end

  -- Kept with the query it goes out with.
  function C.neap_request_set_path(r, path)
    if not is_target(path) then return BAD_VALUE end
    local record = record_of(r)
    if r.has_query ~= 0 and not path:find("?", 1, true) then
      path = path .. "?" .. ffi.string(r.query, r.query_n)
    end
    record.new_path = path
    r.new_path, r.new_path_n = ffi.cast("char *", ffi.cast("const char *", path)), #path
    return 0
  end

  function C.neap_request_set_reason(r, why, n)
    local text = (type(why) == "string" and why or ffi.string(why, n)):sub(1, 127)
    text = text:gsub("[^ -~]", "?")
    ffi.copy(r.reason, text)
  end
end

-- The fields of a message one after the other, in the order of C. The record keeps the texts.
local function field_at(record, at, to)
  if at == 0 then record.shown = message.fields_out(record, true) end
  local field = record.shown[at + 1]
  if not field then return 0 end
  to.name, to.name_n, to.value, to.value_n = field[1], #field[1], field[2], #field[2]
  return at + 1
end

local function add_fields(C, record_of, response_record)
  function C.neap_request_field(r, at, to) return field_at(record_of(r), at, to) end
  function C.neap_response_field(_, at, to) return field_at(response_record(), at, to) end
end

local function add_response(C, answer, response_record)
  function C.neap_response_header(_, name) return answer(header(response_record(), name)) end

  function C.neap_response_set_header(_, name, _, value)
    return edit(response_record(), name, value, true)
  end

  function C.neap_response_add_header(_, name, _, value)
    return edit(response_record(), name, value, false)
  end
end

local function add_reply(C, record_of)
  function C.neap_reply_start(r, status)
    record_of(r).reply = { status = status, headers = {}, bytes = 0, body = "" }
  end

  function C.neap_reply_check(name, _, value) return check(name, trim.field(value)) end

  function C.neap_reply_header(r, name, _, value)
    local reply = record_of(r).reply
    value = trim.field(value)
    local code = check(name, value)
    if code ~= 0 then return code end
    reply.bytes = reply.bytes + #name + #value + 4
    if reply.bytes > REPLY_HEADERS_MAX then return FULL end
    table.insert(reply.headers, { name, value })
    return 0
  end

  function C.neap_reply_kept(r, body) record_of(r).reply.body = body end

  function C.neap_reply_body(r, body)
    record_of(r).reply.body = body
    return 0
  end
end

---@param out fun(text: string): integer  leaves an answer where Lua reads it; 1
---@param records table<integer, table>  by id of a request
---@param response_record fun(): table  of the running hook
---@return table C
function message.new(out, records, response_record)
  local C = {}
  local function answer(text) return text and out(text) or 0 end
  local function record_of(r) return records[tonumber(r.id)] end
  add_request(C, answer, record_of)
  add_tls(C, answer, record_of, out)
  add_response(C, answer, response_record)
  add_fields(C, record_of, response_record)
  add_reply(C, record_of)
  return C
end

return message
