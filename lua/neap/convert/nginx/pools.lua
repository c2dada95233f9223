-- upstream and proxy_pass: the pools of the new configuration.

local code = require "neap.convert.code"
local directives = require "neap.convert.nginx.directives"
local levels = require "neap.convert.nginx.levels"
local units = require "neap.convert.units"
local variables = require "neap.convert.nginx.variables"

local pools = {}

local KEYS = { -- of the policy hash, for keys that it knows
  ["$remote_addr"] = "ip", ["$binary_remote_addr"] = "ip", ["$host"] = "host", ["$uri"] = "path",
}

local function hash_key(job, node, out)
  local text = node.args[1] or ""
  local name = text:match "^%$http_([%w_]+)$"
  local cookie = text:match "^%$cookie_([%w_]+)$"
  local known = KEYS[text] or (name and "header:" .. name:gsub("_", "-"))
    or (cookie and "cookie:" .. cookie)
  if known then return code.text(known) end
  local expression = variables.compile(text, { job = job, is_config = true })
  if expression then return ("function(r) return %s end"):format(expression) end
  out:remark(job.notes:other(node, ("hash %s: by the path instead"):format(text)))
  return '"path"'
end

local function shipped(name, options)
  if not options then return code.text(name) end
  return ("require %s %s"):format(code.text("neap.policy." .. name), options)
end

local BALANCE = {}

function BALANCE.least_conn() return shipped "least_connections" end

function BALANCE.ip_hash(job, node, out)
  out:remark(job.notes:other(node, "ip_hash: by the whole address; nginx takes three of its bytes"))
  return shipped "source"
end

function BALANCE.hash(job, node, out)
  return shipped("hash", ("{ key = %s }"):format(hash_key(job, node, out)))
end

function BALANCE.random(_, node)
  return shipped(node.args[1] == "two" and "two_choices" or "random")
end

function BALANCE.sticky(job, node, out)
  if node.args[1] ~= "cookie" then
    out:remark(job.notes:lacks(node, "sticky: only by a cookie"))
    return nil
  end
  return shipped("cookie", ("{ name = %s }"):format(code.text(node.args[2] or "srv_id")))
end

-- "10.0.0.1" → "10.0.0.1:80"; names of unix sockets stay.
local function with_port(address, port)
  if address:find "^unix:" then return address:match "^unix:[^:]*" end
  if address:find "^%[[%x:.]+%]:%d+$" or address:find "^[^:]+:%d+$" then return address end
  return address .. ":" .. port
end

local function url_of(address, scheme)
  if address:find "^unix:" then return address end
  return scheme .. "://" .. address
end

local PARAMETERS = {}

function PARAMETERS.weight(row, n) if n then row:set("weight", n) end end
function PARAMETERS.max_conns(row, n) if n and n ~= "0" then row:set("slots", n) end end

function PARAMETERS.backup(row) row:set("tier", "1") end

function PARAMETERS.down(row) row:set("weight", "0") end

local QUIET = { resolve = true, fail_timeout = true, max_fails = true, service = true,
  route = true, drain = true }

local function number(text) return text and text:find "^%d+$" and #text < 10 and text or nil end

local function add_server(job, out, node, scheme)
  local address = node.args[1]
  if not address then return out:remark(job.notes:lacks(node, "a server without an address")) end
  local url = url_of(with_port(address, scheme == "udp" and "53" or "80"), scheme)
  local row = code.table():set("url", code.text(url))
  local is_down = false
  for i = 2, #node.args do
    local key, value = node.args[i]:match "^([%w_]+)=?(.*)$"
    is_down = is_down or key == "down"
    if PARAMETERS[key] and not (is_down and key == "weight") then
      PARAMETERS[key](row, number(value))
    elseif key == "slow_start" then
      out:remark(job.notes:other(node, "slow_start: it is of the whole pool here"))
      job.slow_start = units.seconds(value, 1)
    elseif not QUIET[key] then
      out:remark(job.notes:lacks(node, ("server: %s"):format(node.args[i])))
    end
  end
  out:add(#row.items == 1 and code.text(url) or row)
end

-- The highest max_fails; nginx's own default is 1.
local function failures(upstream)
  local most
  for _, node in ipairs(levels.here(upstream.block, "server")) do
    for _, word in ipairs(node.args) do
      local n = number(word:match "^max_fails=(%d+)$")
      if n then most = math.max(most or 0, tonumber(n)) end
    end
  end
  return most
end

local function health(job, upstream, out)
  local most = failures(upstream)
  if not most then return nil end
  if most == 0 then
    out:remark(job.notes:other(upstream,
      "max_fails=0: a backend that refuses connections is left out until a check finds it"))
    return nil
  end
  return code.table():set("failures", tostring(math.min(most, 1000)))
end

-- What stands in an upstream block.
local function from_upstream(job, out, upstream, scheme)
  local backends = code.table()
  local function remark(text) out:remark(text) end
  out:remark(("upstream %s (%s:%d)"):format(upstream.args[1], upstream.file, upstream.line))
  directives.tell(upstream.block, "upstream", job.notes, remark)
  job.slow_start = nil
  for _, node in ipairs(upstream.block) do
    if node.name == "server" then add_server(job, backends, node, scheme) end
  end
  out:set("backends", backends)
  out:set("health", health(job, upstream, out))
  if job.slow_start then out:set("slow_start", code.number(job.slow_start)) end
  for _, node in ipairs(upstream.block) do
    if BALANCE[node.name] then out:set("policy", BALANCE[node.name](job, node, out)) end
  end
  local keep = levels.here(upstream.block, "keepalive")[1]
  if keep and number(keep.args[1]) and scheme:find "^http" then
    out:set("keepalive", code.table():set("connections", keep.args[1]))
  end
end

-- How backends are spoken to over TLS. nginx verifies nothing unless it is told to.
local function tls(job, list, node, host, out)
  local t = code.table()
  local function word(name) return levels.word(list, name) end
  if word "proxy_ssl_verify" == "on" then
    local ca = word "proxy_ssl_trusted_certificate"
    if ca then t:set("ca", code.text(job:path(ca))) end
  else
    out:remark(job.notes:other(node,
      "nginx verifies no certificates of backends unless proxy_ssl_verify is on; nor does this"))
    t:set("verify", "false")
  end
  local name = word "proxy_ssl_name" or host
  if name and not variables.has(name) and not name:find "[:%[]" then
    t:set("server_name", code.text(name))
  end
  local certificate, key = word "proxy_ssl_certificate", word "proxy_ssl_certificate_key"
  if certificate then t:set("certificate", code.text(job:path(certificate))) end
  if key then t:set("key", code.text(job:path(key))) end
  return t
end

local NEXT = { http_500 = 500, http_502 = 502, http_503 = 503, http_504 = 504, http_403 = 403,
  http_404 = 404, http_429 = 429 }

local function retry(job, list, out)
  local node = levels.last(list, "proxy_next_upstream")
  local tries = number(levels.word(list, "proxy_next_upstream_tries"))
  if tries == "0" then tries = nil end
  if not node and not tries then return end
  local t, statuses = code.table(), code.table()
  for _, word in ipairs(node and node.args or {}) do
    if word == "off" then tries = "1" end
    if word == "non_idempotent" then t:set("unsafe", "true") end
    if NEXT[word] then statuses:add(tostring(NEXT[word])) end
    if word == "timeout" then job.retries_timeouts = true end
  end
  if tries then t:set("attempts", tries) end
  if not statuses:is_empty() then t:set("status", statuses) end
  if not t:is_empty() then out:set("retry", t) end
end

local DEFAULT_PORT = { http = "80", https = "443", tcp = "80", tls = "443", udp = "53" }

-- The name of the pool for what a proxy_pass names: an upstream, or a server.
---@param target table  scheme, host, is_grpc
---@return string name
function pools.name(job, list, node, target)
  local key = ("%s %s%s"):format(target.scheme, target.host, target.is_grpc and " grpc" or "")
  local known = job.pools[key]
  if known then return known end
  local upstream = job.upstreams[target.host]
  local name = code.free_name(job.pool_names, target.host)
  job.pools[key] = name
  local out = code.table()
  if upstream then
    from_upstream(job, out, upstream, target.scheme)
  else
    local address = with_port(target.host, DEFAULT_PORT[target.scheme])
    out:set("backends", code.table():add(code.text(url_of(address, target.scheme))))
  end
  if target.is_grpc then out:set("http2", "true") end
  if target.scheme:find "^http" then retry(job, list, out) end
  if target.scheme == "https" or target.scheme == "tls" then
    local host = (upstream and target.host) or target.host:match "^([^:%[]+)"
    out:set("tls", tls(job, list, node, host, out))
  end
  job.pool_table:set(name, out)
  job.last_pool = name
  return name
end

return pools
