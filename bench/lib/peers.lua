-- The balancers: how each is configured (the files in bench/peers) and started.
local proc = require "lib.proc"
local udp = require "lib.udp"

local peers = {}

local function fill(template, values)
  return (template:gsub("@([A-Z_]+)@", function(name)
    return tostring(assert(values[name], "no value for @" .. name .. "@"))
  end))
end

local function map(list, format)
  local lines = {}
  for i, address in ipairs(list) do table.insert(lines, format(address, i)) end
  return lines
end

local nginx = { template = "nginx.conf", tcp = "nginx-tcp.conf", udp = "nginx-udp.conf" }

local NGINX_HEADERS = table.concat({
  "proxy_set_header Host $http_host;",
  "proxy_set_header X-Forwarded-For $remote_addr;",
  "proxy_set_header X-Forwarded-Proto $scheme;",
  "proxy_set_header X-Forwarded-Host $http_host;",
}, "\n      ")

-- Mozilla's intermediate settings, as neap has them by default.
local NGINX_TLS = [[
ssl_certificate %s;
    ssl_certificate_key %s;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers off;
    ssl_session_tickets on;
    ssl_session_timeout 1h;]]

local NGINX_TLS_BACK = "proxy_ssl_verify off;\n    proxy_ssl_session_reuse on;"

local NGINX_MODULES = [[
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
]]

-- Round robin by Lua: lists of hosts and ports made once, the choice made for each request.
local NGINX_INIT = [[
lua_package_path "/usr/share/lua/5.1/?.lua;;";
  init_worker_by_lua_block {
    local balancer = require "ngx.balancer"
    local hosts, ports, turn = { %s }, { %s }, 0
    function pick()
      turn = turn %% #hosts + 1
      assert(balancer.set_current_peer(hosts[turn], ports[turn]))
    end
  }
]]

-- The pool of each request, by a member of its JSON.
local NGINX_ROUTE_INIT = [[
lua_package_path "/usr/share/lua/5.1/?.lua;;";
  init_by_lua_block { cjson = require "cjson.safe" }

  upstream other {
    %s
  }
]]

local NGINX_ROUTE = [[
set $pool "pool";
      rewrite_by_lua_block {
        ngx.req.read_body()
        local data = ngx.req.get_body_data()
        local text = data and cjson.decode(data)
        if not text then return ngx.exit(400) end
        if text.model ~= "small" then ngx.var.pool = "other" end
      }
      ]]

local NGINX_PICK = "server 0.0.0.1;\n    balancer_by_lua_block { pick() }"

local NGINX_PASS = [[
proxy_pass %s://pool;
      proxy_http_version 1.1;
      proxy_set_header Connection %s;
      %s]]

function nginx.pass(o)
  local headers = o.bare and "" or NGINX_HEADERS
  if o.grpc then
    return "grpc_pass grpc://pool;\n      "
      .. (headers:gsub("proxy_set_header", "grpc_set_header"))
  end
  local scheme = o.tls_back and "https" or "http"
  return NGINX_PASS:format(scheme, o.nokeep and '"close"' or '""', headers)
end

function nginx.add_tls(values, o)
  if o.h2 then values.LISTEN_TLS = " http2" end
  if o.tls then
    values.LISTEN_TLS = " ssl" .. values.LISTEN_TLS
    values.TLS = NGINX_TLS:format(peers.pem, peers.pem)
  elseif o.tls_back then
    values.TLS = NGINX_TLS_BACK
  end
end

local NGINX_LIMIT = "limit_req_zone $binary_remote_addr zone=clients:16m rate=1000000r/s;"
local NGINX_LIMIT_USE = "limit_req zone=clients burst=1000000 nodelay;\n      "

function nginx.values(o)
  local values = {
    MODULES = "", LUA = o.limited and NGINX_LIMIT or "", LISTEN_TLS = "", TLS = "",
    PASS = (o.limited and NGINX_LIMIT_USE or "") .. nginx.pass(o),
    BUFFERS = o.large and "proxy_buffers 8 256k; proxy_busy_buffers_size 512k;"
      or "proxy_buffers 8 64k; proxy_busy_buffers_size 128k;",
    REQUEST_BUFFERING = o.large and "off" or "on",
    KEEPALIVE = o.nokeep and "" or ("keepalive %d; keepalive_requests 1000000000; "
      .. "keepalive_timeout 55s;"):format(math.max(128, #o.backends)),
  }
  values.SERVERS = (o.least and "least_conn;\n    " or "")
    .. table.concat(map(o.backends, function(a) return "server " .. a .. ";" end), "\n    ")
  nginx.add_tls(values, o)
  if o.body_route then
    values.MODULES = NGINX_MODULES
    values.LUA = NGINX_ROUTE_INIT:format(values.SERVERS .. "\n    " .. values.KEEPALIVE)
    values.PASS = NGINX_ROUTE .. values.PASS:gsub("http://pool", "http://$pool")
  end
  if o.scripted then
    local hosts = map(o.backends, function(a) return ("%q"):format(a:match "^[^:]+") end)
    local ports = map(o.backends, function(a) return a:match "%d+$" end)
    values.MODULES = NGINX_MODULES
    values.LUA = NGINX_INIT:format(table.concat(hosts, ","), table.concat(ports, ","))
    values.SERVERS = NGINX_PICK
  end
  return values
end

function nginx.command(config, dir)
  return { "nginx", "-c", config, "-p", dir, "-e", dir .. "/nginx.log" }
end

function nginx.version() return { "nginx", "-v" } end

local haproxy = { template = "haproxy.cfg", tcp = "haproxy-tcp.cfg" }

local HAPROXY_HEADERS = table.concat({
  "option forwardfor",
  "http-request set-header X-Forwarded-Proto http",
  "http-request set-header X-Forwarded-Host %[req.hdr(host)]",
}, "\n  ")

local HAPROXY_LIMIT = table.concat({
  "stick-table type ip size 200k expire 10s store http_req_rate(10s)",
  "http-request track-sc0 src",
  "http-request deny deny_status 429 if { sc_http_req_rate(0) gt 1000000000 }",
}, "\n  ")

local TO_TLS = " ssl verify none"

function haproxy.tls(o)
  if o.tls then return " ssl crt " .. peers.pem .. (o.h2 and " alpn h2" or "") end
  return o.h2 and " proto h2" or ""
end

function haproxy.rules(o)
  if o.limited then return HAPROXY_LIMIT end
  return o.scripted and "http-request lua.pick" or ""
end

function haproxy.values(o)
  local function server(a, i)
    return ("server s%d %s check inter 60s"):format(i, a)
      .. (o.tls_back and TO_TLS or o.h2_back and " proto h2" or "")
  end
  return {
    SERVERS = (o.scripted and "use-server %[var(txn.server)] if TRUE\n  " or "")
      .. table.concat(map(o.backends, server), "\n  "),
    BUFFERS = o.large and "tune.bufsize 65536" or "tune.bufsize 16384",
    BALANCE = o.least and "leastconn" or "roundrobin",
    HEADERS = o.bare and "" or HAPROXY_HEADERS,
    KEEPALIVE = o.nokeep and "option httpclose" or "option http-keep-alive\n  http-reuse always",
    LUA = o.scripted and "lua-load " .. o.dir .. "/pick.lua" or "",
    PICK = haproxy.rules(o),
    TLS = haproxy.tls(o),
  }
end

function haproxy.command(config) return { "haproxy", "-db", "-f", config } end

function haproxy.version() return { "haproxy", "-v" } end

local nghttpx = { template = "nghttpx.conf" }

function nghttpx.values(o)
  return {
    SERVERS = table.concat(map(o.backends, function(a)
      return ("backend=%s,%s;/;proto=h2"):format(a:match "^(.*):(%d+)$")
    end), "\n"),
  }
end

function nghttpx.command(config) return { "nghttpx", "--conf=" .. config } end

function nghttpx.version() return { "nghttpx", "-v" } end

local neap = { template = "neap.lua", tcp = "neap-tcp.lua", udp = "neap-udp.lua",
  h2_back = "neap-h2.lua", body_route = "neap-body.lua" }

local FLOWS = "timeouts = { udp = 300 }, limits = { udp_sessions = %d },"

function neap.tls(o)
  if o.tls then return ("tls = { certificate = %q },"):format(peers.pem) end
  return o.tls_back and "tls = { verify = false }," or ""
end

function neap.backend(o)
  if o.tcp or o.udp then return o.tcp and '"tcp://%s",' or '"udp://%s",' end
  return o.tls_back and '"https://%s/",' or '"http://%s/",'
end

function neap.values(o)
  return {
    SERVERS = table.concat(map(o.backends, function(a)
      return neap.backend(o):format(a)
    end), "\n    "),
    POLICY = o.policy or (o.least and '"least_connections"') or '"round_robin"',
    KEEPALIVE = o.nokeep and 0 or 64,
    TLS = neap.tls(o),
    FLOWS = o.flows and FLOWS:format(o.flows) or "responses = 1, timeouts = { udp = 5 },",
  }
end

function neap.command(config, _, o) return { o.binary or peers.binary, "-c", config } end

function neap.version() return { peers.binary, "--version" } end

local kinds = { nginx = nginx, haproxy = haproxy, nghttpx = nghttpx, neap = neap }

peers.here = "bench/peers/"
peers.pem = nil -- set by main: a certificate and its key

-- Each worker of neap on a CPU of its own.
local function spread(pid)
  for _, id in ipairs(proc.tree(pid)) do
    local number = (proc.read(("/proc/%d/cmdline"):format(id)) or ""):match "worker (%d+)"
    if number then os.execute(("taskset -pc %d %d >/dev/null"):format(number % 2, id)) end
  end
end

local function template_of(kind, o)
  return o.tcp and kind.tcp or o.udp and kind.udp or o.h2_back and kind.h2_back
    or o.body_route and kind.body_route or kind.template
end

-- o: kind, backends ("host:port"), dir (of its own), under (words before the command), and what
-- varies (nokeep, bare, scripted, tcp, ...).
-- The started balancer, or nil and why.
function peers.start(o)
  local kind, port = kinds[o.kind], proc.free_port()
  local values = kind.values(o)
  values.PORT, values.DIR, values.WORKERS, values.COUNT = port, o.dir, o.workers or 1, #o.backends
  os.execute("mkdir -p " .. o.dir)
  local template = template_of(kind, o)
  local config = o.dir .. "/" .. template
  proc.write(config, fill(proc.read(peers.here .. template .. ".in"), values))
  if o.kind == "haproxy" and o.scripted then
    proc.write(o.dir .. "/pick.lua", fill(proc.read(peers.here .. "pick.lua.in"), values))
  end
  local log = o.dir .. "/log"
  local argv = kind.command(config, o.dir, o)
  for i, word in ipairs(o.under or {}) do table.insert(argv, i, word) end
  local pid = proc.start(argv, o.cpu or "0", log)
  local peer = { pid = pid, port = port, log = log, label = o.label, kind = o.kind }
  local is_there = o.udp and udp.is_bound or proc.accepts
  if not is_there(pid, port, 20) then
    peers.stop(peer)
    return nil, ("%s did not start: %s"):format(o.label, (proc.read(log) or ""):sub(1, 2000))
  end
  if o.spread then spread(pid) end
  proc.sleep(0.3)
  return peer
end

function peers.stop(peer) proc.stop(peer.pid) end

function peers.version(name, log)
  local text = proc.run(kinds[name].version(), nil, log, 5) or ""
  return text:match "[^\n]+" or "?"
end

return peers
