-- Settings of a service: timeouts, limits, TLS, errors, who is believed.

local code = require "neap.convert.code"
local levels = require "neap.convert.nginx.levels"
local units = require "neap.convert.units"

local settings = {}

local TIMEOUTS = {
  { "client_header_timeout", "client_header" }, { "client_body_timeout", "client_body" },
  { "keepalive_timeout", "client_idle" }, { "proxy_connect_timeout", "connect" },
  { "proxy_read_timeout", "response" }, { "proxy_read_timeout", "stream_idle" },
}

local function timeouts(list)
  local t = code.table()
  for _, row in ipairs(TIMEOUTS) do
    local text = levels.word(list, row[1])
    local seconds = text and units.seconds(text, 1)
    if seconds and seconds > 0 then t:set(row[2], code.number(seconds)) end
  end
  return t
end

-- nginx refuses bodies of more than 1 MiB when nothing is said.
local function limits(job, list)
  local t = code.table()
  local text = levels.word(list, "client_max_body_size") or "1m"
  local bytes = units.bytes(text)
  if bytes and bytes > 0 then t:set("body_bytes", code.number(bytes)) end
  local buffers = levels.last(list, "large_client_header_buffers")
  local size = buffers and units.bytes(buffers.args[2] or "")
  local count = buffers and tonumber(buffers.args[1])
  if size and count then
    t:set("header_bytes", code.number(math.max(512, math.min(size * count, 262144))))
  end
  if job.connections then t:set("connections", job.connections) end
  local requests = levels.word(list, "keepalive_requests")
  if requests and requests:find "^[1-9]%d?%d?%d?%d?%d?$" then t:set("requests", requests) end
  return t
end

local VERSIONS = { ["TLSv1.2"] = "1.2", ["TLSv1.3"] = "1.3" }

local function versions(job, list, t)
  local node = levels.last(list, "ssl_protocols")
  if not node then return end
  local has, old = {}, nil
  for _, word in ipairs(node.args) do
    if VERSIONS[word] then has[VERSIONS[word]] = true else old = word end
  end
  if old then
    t:remark(job.notes:other(node, ("ssl_protocols %s: TLS 1.2 is the oldest here"):format(old)))
  end
  if not has["1.2"] and has["1.3"] then t:set("min_version", '"1.3"') end
  if has["1.2"] and not has["1.3"] then t:set("max_version", '"1.2"') end
end

local VERIFY = { on = "require", optional = "request" }

local function client(job, list, t)
  local node = levels.last(list, "ssl_verify_client")
  local word = node and node.args[1] or "off"
  if word == "off" then return end
  local ca = levels.word(list, "ssl_client_certificate")
  if not VERIFY[word] or not ca then
    return t:remark(job.notes:lacks(node, "ssl_verify_client " .. word
      .. ": a certificate that does not verify is always refused"))
  end
  local c = code.table():set("ca", code.text(job:path(ca))):set("verify", code.text(VERIFY[word]))
  local crl, depth = levels.word(list, "ssl_crl"), levels.word(list, "ssl_verify_depth")
  if crl then c:set("crl", code.text(job:path(crl))) end
  if depth and depth:find "^%d%d?$" then c:set("depth", depth) end
  t:set("client", c)
end

local function add_pairs(job, list, into, seen)
  local certificates = levels.all(list, "ssl_certificate")
  local keys = levels.all(list, "ssl_certificate_key")
  for i, node in ipairs(certificates) do
    local path, key = node.args[1] or "", keys[i] and keys[i].args[1]
    if path:find "[$]" or path:find "^data:" then
      into:remark(job.notes:lacks(node, "ssl_certificate " .. path
        .. ": the hook certificate chooses certificates in Lua"))
    elseif not seen[path] then
      seen[path] = true
      local row = code.table():set("certificate", code.text(job:path(path)))
      if key and key ~= path then row:set("key", code.text(job:path(key))) end
      local ocsp = levels.word(list, "ssl_stapling_file")
      if ocsp then row:set("ocsp", code.text(job:path(ocsp))) end
      into:add(row)
    end
  end
end

local function tickets(job, list, t)
  local keys = levels.last(list, "ssl_session_ticket_key")
  if levels.word(list, "ssl_session_tickets") == "off" then
    t:set("tickets", "false")
  elseif keys then
    t:set("tickets", code.table():set("keys", code.text(job:path(keys.args[1] or ""))))
  end
end

-- Certificates of all servers of the address, the default one's first.
function settings.tls(job, outer, servers)
  local t, rows, seen = code.table(), code.table(), {}
  local list = levels.with(outer, servers[1].block)
  for _, server in ipairs(servers) do
    local own = levels.with(outer, server.block)
    add_pairs(job, own, rows, seen)
    if levels.word(own, "ssl_reject_handshake") == "on" then t:set("sni", '"strict"') end
    local verify = levels.last(own, "ssl_verify_client")
    if verify and verify.args[1] ~= "off" and verify ~= levels.last(list, "ssl_verify_client") then
      t:remark(job.notes:lacks(verify,
        "ssl_verify_client: only what the default server of the address says is asked"))
    end
  end
  t:set("certificates", rows)
  versions(job, list, t)
  local ciphers = levels.word(list, "ssl_ciphers")
  if ciphers and ciphers:find "^[%w_:%-]+$" and ciphers:find "%-" then
    t:set("ciphers", code.text(ciphers))
  elseif ciphers then
    t:remark(job.notes:other(levels.last(list, "ssl_ciphers"),
      "ssl_ciphers: Mozilla's intermediate list instead of " .. ciphers))
  end
  client(job, list, t)
  tickets(job, list, t)
  local stapling = levels.last(list, "ssl_stapling")
  if stapling and stapling.args[1] == "on" and not levels.last(list, "ssl_stapling_file") then
    t:remark(job.notes:other(stapling, "ssl_stapling: from a file beside the certificate (ocsp)"))
  end
  return t
end

local pages = setmetatable({}, { __mode = "k" }) -- by block: its locations by their last word

local function locations_of(block)
  if not pages[block] then
    pages[block] = {}
    for _, node in ipairs(levels.here(block, "location")) do
      pages[block][node.args[#node.args] or ""] = node
    end
  end
  return pages[block]
end

-- The file of a page: by a location for it, or by the root around.
local function page_of(job, list, uri)
  local location = locations_of(list[#list])[uri]
  local own = location and levels.with(list, location.block or {}) or list
  local alias, root = levels.word(own, "alias"), levels.word(own, "root")
  if not root and not alias then return nil end
  local path = job:path(alias or (root .. uri))
  local file = io.open(path, "rb")
  if not file then return nil, path end
  file:close()
  return path
end

local function errors(job, list, out)
  local t = code.table()
  for _, node in ipairs((levels.all(list, "error_page"))) do
    local uri = node.args[#node.args] or ""
    local path, tried
    if uri:find "^/" then path, tried = page_of(job, list, uri) end
    local is_plain = path ~= nil
    for i = 1, #node.args - 1 do
      local status = node.args[i]
      local is_error = status:find "^[45]%d%d$" ~= nil
      is_plain = is_plain and is_error
      if path and is_error then t:set_raw(("[%s]"):format(status), code.text(path)) end
    end
    if not is_plain then
      out:remark(job.notes:lacks(node, ("error_page %s%s: the hook error answers in place of "
        .. "neap's own errors"):format(uri, tried and " (" .. tried .. " is not there)" or "")))
    end
  end
  if not t:is_empty() then out:set("errors", t) end
end

local function forwarded(job, list, out)
  local t = code.table()
  for _, node in ipairs((levels.all(list, "set_real_ip_from"))) do
    local from = node.args[1] or ""
    t:add(code.text(from == "unix:" and "unix" or from))
  end
  local field = levels.last(list, "real_ip_header")
  local name = field and (field.args[1] or ""):lower()
  if field and name ~= "x-forwarded-for" and name ~= "proxy_protocol" then
    out:remark(job.notes:lacks(field, ("real_ip_header %s: X-Forwarded-For and Forwarded are read")
      :format(name)))
  end
  if not t:is_empty() then out:set("forwarded", code.table():set("trust", t)) end
end

local function is_type(word) return word:find "^[%w*.+-]+/[%w*.+-]+$" ~= nil end

-- text/html is always one of nginx's types.
local function compressed_types(list)
  local t, seen = code.table():add('"text/html"'), { ["text/html"] = true }
  for _, name in ipairs { "gzip_types", "brotli_types" } do
    local node = levels.last(list, name)
    for _, word in ipairs(node and node.args or {}) do
      if word == "*" then return nil end
      if is_type(word) and not seen[word] then t:add(code.text(word)) end
      seen[word] = true
    end
  end
  return t
end

local function compress(list, out)
  local codings = code.table()
  if levels.word(list, "brotli") == "on" then codings:add('"br"') end
  if levels.word(list, "gzip") == "on" then codings:add('"gzip"') end
  if codings:is_empty() then return end
  local least = units.bytes(levels.word(list, "gzip_min_length") or "20") or 20
  local t = code.table():set("codings", codings):set("types", compressed_types(list))
    :set("min_bytes", code.number(math.min(least, 2^30)))
  local level = levels.word(list, "gzip_comp_level")
  if level and level:find "^[1-9]$" then t:set("levels", code.table():set("gzip", level)) end
  out:set("compress", t)
end

---@param out convert.table  of the service
function settings.add(job, outer, servers, out)
  local list = levels.with(outer, servers[1].block)
  local t, l = timeouts(list), limits(job, list)
  if not t:is_empty() then out:set("timeouts", t) end
  if not l:is_empty() then out:set("limits", l) end
  compress(list, out)
  forwarded(job, list, out)
  errors(job, list, out)
end

-- What another server of the same address says of these is set for each of its requests.
---@return string[] lines
function settings.own(job, outer, server, first)
  local mine, theirs = levels.with(outer, server.block), levels.with(outer, first.block)
  local found = {}
  local a, b = limits(job, mine):get "body_bytes", limits(job, theirs):get "body_bytes"
  if a ~= b then table.insert(found, ("r:limits { body_bytes = %s }"):format(a or "false")) end
  local t, other, rows = timeouts(mine), timeouts(theirs), code.table()
  for _, key in ipairs { "connect", "response", "stream_idle" } do
    if t:get(key) and t:get(key) ~= other:get(key) then rows:set(key, t:get(key)) end
  end
  if not rows:is_empty() then table.insert(found, "r:timeouts " .. code.render(rows, 1)) end
  return found
end

return settings
