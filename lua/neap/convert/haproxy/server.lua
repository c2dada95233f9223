-- server lines: backends.

local code = require "neap.convert.code"
local units = require "neap.convert.units"

local server = {}

-- How many words follow a parameter's name; those that are not here have none.
local WITH_VALUE = {}
for word in ([[weight maxconn minconn inter fastinter downinter rise fall cookie port addr id
  check-alpn check-sni check-proto alpn proto ca-file crl-file crt sni verify verifyhost ciphers
  ciphersuites ssl-min-ver ssl-max-ver slowstart resolvers resolve-prefer resolve-net resolve-opts
  init-addr maxqueue observe on-error on-marked-down on-marked-up error-limit source socks4
  track pool-max-conn pool-low-conn pool-purge-delay max-reuse tcp-ut namespace agent-port
  agent-inter agent-addr agent-send log-proto shard ws guid set-proxy-v2-tlv-fmt
  proxy-v2-options usesrc redir]]):gmatch "%S+" do
  WITH_VALUE[word] = true
end

local LACKS = { source = "neap does not choose the address that it connects from",
  usesrc = "neap does not take the client's address for its own",
  socks4 = "neap does not go through other proxies", track = "each pool is checked by itself",
  redir = "neap does not redirect to backends",
  ["agent-check"] = 'health: a list of checks, one of them with type = "agent"',
  namespace = "run neap in that namespace" }
local OTHER = { minconn = "slots do not grow with the load",
  observe = "eject, and the hook failed, see failures of traffic",
  disabled = "it has the weight 0; the admin side drains backends" }

-- The parameters of a line, over those of default-server: name → value or true.
local function parameters(line, first, into)
  local i = first
  while i <= #line do
    local word = line[i]
    if word == "no-check" or word == "no-ssl" or word == "enabled" then
      into[word == "enabled" and "disabled" or word:sub(4)] = nil
    elseif WITH_VALUE[word] then
      into[word] = line[i + 1] or ""
      i = i + 1
    else
      into[word] = true
    end
    i = i + 1
  end
  return into
end

-- "10.0.0.1:80", "[::1]:80", "*:80", "unix@/path", "/path" → host and port, or a path.
local function address_of(text)
  local path = text:match "^unix@(.+)$" or text:match "^(/.+)$"
  if path then return "unix:" .. path end
  text = text:gsub("^ipv[46]@", "")
  local host, port = text:match "^(.*):%+?(%d+)$" -- linear: the last colon
  if not host then return text, nil end
  if host:find ":" and not host:find "^%[" then host = "[" .. host .. "]" end
  return host == "" and "127.0.0.1" or host, port
end

server.address_of = address_of

local function url_of(job, line, p, is_tcp, fallback_port, out)
  local host, port = address_of(line[3] or "")
  if host:find "^unix:" then return host end
  if not port then
    port = fallback_port or "80"
    out:remark(job.notes:other(line, ("server %s: port %s; HAProxy takes the client's")
      :format(tostring(line[2]), port)))
  end
  local scheme = is_tcp and (p.ssl and "tls" or "tcp") or (p.ssl and "https" or "http")
  return ("%s://%s:%s"):format(scheme, host, port)
end

-- A number as it is written; nil: it is none.
local function digits(text)
  return type(text) == "string" and text:find "^%d+$" and #text < 7 and text or nil
end

server.digits = digits

local function add_health(row, p)
  local t = code.table()
  if digits(p.port) then t:set("port", p.port) end
  if type(p.addr) == "string" then t:set("address", code.text(p.addr)) end
  if not t:is_empty() then row:set("health", t) end
end

local function proxy_version(p)
  if p["send-proxy-v2"] or p["send-proxy-v2-ssl"] or p["send-proxy-v2-ssl-cn"] then return "2" end
  return p["send-proxy"] and "1" or nil
end

local function tell(job, line, p, out)
  for name in pairs(p) do
    if LACKS[name] then
      out:remark(job.notes:lacks(line, ("server %s: %s: %s"):format(tostring(line[2]), name,
        LACKS[name])))
    elseif OTHER[name] then
      out:remark(job.notes:other(line, ("server %s: %s: %s"):format(tostring(line[2]), name,
        OTHER[name])))
    end
  end
end

-- One backend.
local function row_of(job, line, p, is_tcp, out)
  local row = code.table()
  row:set("name", code.text(line[2] or "?"))
  row:set("url", code.text(url_of(job, line, p, is_tcp, p.port, out)))
  if p.disabled then
    row:set("weight", "0")
  elseif digits(p.weight) and p.weight ~= "1" then
    row:set("weight", tostring(math.min(tonumber(p.weight), 1000)))
  end
  if p.backup then row:set("tier", "1") end
  if digits(p.maxconn) and p.maxconn ~= "0" then row:set("slots", p.maxconn) end
  row:set("send_proxy", proxy_version(p))
  add_health(row, p)
  tell(job, line, p, out)
  return row
end

---@return table[] list of parameters, convert.table backends
function server.all(job, section, is_tcp, out)
  local defaults, list, backends = {}, {}, code.table()
  for _, line in ipairs(section:all "default-server") do parameters(line, 2, defaults) end
  for _, line in ipairs(section:rules { server = true, ["server-template"] = true }) do
    if line[1] == "server-template" then
      out:remark(job.notes:lacks(line,
        'server-template: discover = { type = "dns", … } finds them'))
    else
      local p = {}
      for name, value in pairs(defaults) do p[name] = value end
      parameters(line, 4, p)
      p.line = line
      backends:add(row_of(job, line, p, is_tcp, backends))
      table.insert(list, p)
    end
  end
  return list, backends
end

-- How the backends are spoken to over TLS; nil: in the clear.
function server.tls(job, list, out)
  for _, p in ipairs(list) do
    if p.ssl then
      local t = code.table()
      if p.verify == "none" then
        t:set("verify", "false")
      elseif p["ca-file"] and not p["ca-file"]:find "^@" then
        t:set("ca", code.text(job:path(p["ca-file"], "ca-base")))
      end
      local name = p.verifyhost or (p.sni and p.sni:match "^str%((.*)%)$")
      if name then t:set("server_name", code.text(name)) end
      if p.sni and not name then
        out:remark(job.notes:lacks(p.line, "sni " .. p.sni .. ": tls.server_name is a text"))
      end
      if p.crt then t:set("certificate", code.text(job:path(p.crt, "crt-base"))) end
      return t
    end
  end
end

-- Do they speak HTTP/2?
function server.speaks_http2(list)
  for _, p in ipairs(list) do
    if p.proto == "h2" or (p.alpn and p.alpn:find("h2", 1, true)) then
      return p.ssl and p.proto ~= "h2" and '"auto"' or "true"
    end
  end
end

-- Times of checks, in ms without a unit.
function server.seconds(text)
  return type(text) == "string" and units.seconds(text, 0.001) or nil
end

return server
