-- bind: the addresses of a service, and its TLS.

local code = require "neap.convert.code"

local bind = {}

local WITH_VALUE = {}
for word in ([[crt crt-list ca-file crl-file ca-verify-file verify alpn npn name id mode user
  group uid gid level maxconn backlog mss interface namespace nice process thread tcp-ut ciphers
  ciphersuites
  curves ecdhe ssl-min-ver ssl-max-ver severity-output proto shards tls-ticket-keys
  ocsp-update ca-sign-file]]):gmatch "%S+" do
  WITH_VALUE[word] = true
end

local PORTS = 64 -- of a range

-- ":80", "*:443", "10.0.0.1:8000-8010", "unix@/path", ":::80"
local function addresses_of(text)
  local path = text:match "^unix@(.+)$" or text:match "^(/.+)$"
  if path then return { "unix:" .. path } end
  text = text:gsub("^ipv[46]@", "")
  local host, low, high = text:match "^(.*):(%d+)%-?(%d*)$" -- linear: the last colon
  if not host or #low > 5 or #high > 5 then return nil end
  if host == "" or host == "*" then host = "0.0.0.0" end
  if host:find ":" and not host:find "^%[" then host = "[" .. host .. "]" end
  if host == "localhost" then host = "127.0.0.1" end
  local list = {}
  local first, last = tonumber(low), tonumber(high) or tonumber(low)
  if last - first >= PORTS then return nil end
  for port = first, last do
    table.insert(list, host .. ":" .. port)
  end
  return list
end

local function parse(line)
  local p, i = { crt = {} }, 3
  while i <= #line do
    local word = line[i]
    if word == "crt" then
      table.insert(p.crt, line[i + 1] or "")
    else
      p[word] = WITH_VALUE[word] and (line[i + 1] or "") or true
    end
    i = i + (WITH_VALUE[word] and 2 or 1)
  end
  return p
end

local function is_folder(path)
  local file = io.open(path, "rb")
  if not file then return path:sub(-1) == "/" end
  local bytes, _, number = file:read(1)
  file:close()
  return not bytes and number == 21 -- EISDIR
end

local function add_certificates(job, p, into)
  for _, path in ipairs(p.crt) do
    path = job:path(path, "crt-base")
    if is_folder(path) then
      into:add(code.text((path:gsub("/*$", "/")))) -- linear: anchored by what comes before
    else
      into:add(code.table():set("certificate", code.text(path)))
    end
  end
end

local VERSIONS = { ["TLSv1.2"] = "1.2", ["TLSv1.3"] = "1.3" }

local function client(job, line, p, t)
  if not p["ca-file"] or not p.verify or p.verify == "none" then return end
  t:set("client", code.table():set("ca", code.text(job:path(p["ca-file"], "ca-base")))
    :set("verify", p.verify == "required" and '"require"' or '"request"')
    :set("crl", p["crl-file"] and code.text(job:path(p["crl-file"], "ca-base"))))
  if p["crt-ignore-err"] or p["ca-ignore-err"] then
    t:remark(job.notes:other(line, "a certificate that does not verify is always refused"))
  end
end

local function set_once(t, key, value)
  if value and not t:get(key) then t:set(key, value) end
end

local function add_tls(job, line, p, t, certificates)
  if p["crt-list"] then
    t:remark(job.notes:lacks(line, "crt-list: tls.certificates lists them"))
  end
  add_certificates(job, p, certificates)
  local least = VERSIONS[p["ssl-min-ver"] or job.min_version or ""]
  set_once(t, "min_version", least == "1.3" and '"1.3"')
  set_once(t, "sni", p["strict-sni"] and '"strict"')
  local ciphers = p.ciphers or job.ciphers
  set_once(t, "ciphers", ciphers and code.text(ciphers))
  if not t:get "client" then client(job, line, p, t) end
  set_once(t, "tickets", (p["no-tls-tickets"] or job.no_tickets) and "false")
end

local function rows_of(list, is_mixed)
  local t = code.table()
  for _, one in ipairs(list) do
    if is_mixed or one.proxy_protocol then
      t:add(code.table():set("address", code.text(one.address))
        :set("tls", is_mixed and tostring(one.ssl) or nil)
        :set("proxy_protocol", one.proxy_protocol and "true" or nil))
    else
      t:add(code.text(one.address))
    end
  end
  return t
end

local function collect(job, section, out, t, certificates)
  local list, ssl = {}, 0
  for _, line in ipairs(section:rules { bind = true }) do
    local p = parse(line)
    for text in (line[2] or ""):gmatch "[^,]+" do
      local found = addresses_of(text)
      if not found then out:remark(job.notes:lacks(line, "bind " .. text)) end
      for _, address in ipairs(found or {}) do
        ssl = ssl + (p.ssl and 1 or 0)
        table.insert(list, { address = p.v4v6 and address:gsub("^%[::%]", "") or address,
          ssl = p.ssl == true, proxy_protocol = p["accept-proxy"] })
      end
    end
    if p.ssl then add_tls(job, line, p, t, certificates) end
  end
  return list, ssl
end

---@return convert.table? tls
function bind.emit(job, section, out)
  local t, certificates = code.table(), code.table()
  local list, ssl = collect(job, section, out, t, certificates)
  if #list == 0 then
    out:remark(job.notes:lacks(section, "it has no bind"))
    list = { { address = "127.0.0.1:0", ssl = false } }
  end
  local rows = rows_of(list, ssl > 0 and ssl < #list)
  local is_one = #rows.items == 1 and type(rows.items[1].value) == "string"
  out:set("listen", is_one and rows.items[1].value or rows)
  if ssl == 0 then return nil end
  return t:set("certificates", certificates)
end

return bind
