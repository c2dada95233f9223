-- What becomes of the lines of a section, by their first word.
--
--   "" is of no concern to neap, or done by it anyway; true: it is converted where it matters; any
--   other text says why there is no counterpart.

local keywords = {}

local PROXY, OPTIONS, GLOBAL = {}, {}, {}

local function words(text, value, into)
  for word in text:gmatch "%S+" do into[word] = value end
end

words([[acl bind server server-template default-server default_backend use_backend mode balance
  cookie timeout option no retries retry-on maxconn http-request http-response
  http-after-response redirect tcp-request stick-table stick monitor-uri http-check tcp-check log
  errorfile]], true, PROXY)
words([[description disabled enabled id hash-type hash-balance-factor backlog fullconn log-tag
  unique-id-format unique-id-header http-reuse max-keep-alive-queue max-session-srv-conns
  load-server-state-from-file server-state-file-name use-fcgi-app log-format-sd
  error-log-format tcp-response email-alert persist clitimeout contimeout srvtimeout
  external-check guid rate-limit grace transparent declare capture]], "", PROXY)

local CACHE = "neap does not cache answers"
local MORE = {
  compression = true, filter = "write it in Lua: the hooks of a policy",
  stats = 'the admin side tells this: admin = { listen = "127.0.0.1:9180" }',
  ["use-server"] = "the hook pick chooses a backend: pool:find(NAME)",
  ["force-persist"] = "the hook pick can do this", ["ignore-persist"] = "the hook pick can do this",
  ["log-format"] = "access_log.format is a function in Lua",
  ["monitor"] = "the hook request can answer so: #neap.pool(NAME)",
  ["http-error"] = "errors = { [503] = FILE }, or the hook error",
  errorloc = "the hook error can answer so", errorloc302 = "the hook error can answer so",
  errorloc303 = "the hook error can answer so", errorfiles = "errors = { [503] = FILE }",
  dispatch = "it is a backend", source = "neap does not choose the address that it connects from",
  block = "write it as http-request deny", reqadd = "write it as http-request set-header",
  rspadd = "write it as http-response set-header", reqrep = "write it as http-request replace-path",
  reqirep = "write it as http-request replace-path", appsession = "the policy cookie is like it",
  dynamic = "", ["dynamic-cookie-key"] = "", ["quic-initial"] = "neap speaks no HTTP/3",
}
for name, why in pairs(MORE) do PROXY[name] = why end

words([[httpchk redis-check mysql-check pgsql-check smtpchk ldap-check ssl-hello-chk external-check
  spop-check redispatch tcp-check forwardfor]], true, OPTIONS)
words([[httplog tcplog httpslog dontlognull dontlog-normal log-health-checks log-separate-errors
  logasap http-server-close httpclose http-keep-alive forceclose http-pretend-keepalive http-tunnel
  abortonclose allbackups prefer-last-server persist nolinger clitcpka srvtcpka tcpka
  contstats socket-stats http-ignore-probes http-no-delay http-buffer-request splice-auto
  splice-request splice-response accept-invalid-http-request accept-invalid-http-response
  disable-h2-upgrade h1-case-adjust-bogus-client h1-case-adjust-bogus-server
  independent-streams tcp-smart-accept tcp-smart-connect checkcache http-use-htx
  idle-close-on-response log-error-via-logformat http-restrict-req-hdr-names
  http-drop-response-trailers http-drop-request-trailers]], "", OPTIONS)
OPTIONS.transparent = "neap does not take the client's address for its own"
OPTIONS.http_proxy = "neap is no forward proxy"
OPTIONS.originalto = "request:set_header in the hook request"

words([[user group pidfile nbthread nbproc maxconn log ca-base crt-base ssl-default-bind-ciphers
  ssl-default-bind-ciphersuites ssl-default-bind-options]], true, GLOBAL)
words([[daemon chroot uid gid ulimit-n node description log-tag log-send-hostname hard-stop-after
  zero-warning strict-limits default-path stats quiet spread-checks cpu-map nosplice noepoll
  nopoll nokqueue noevports noreuseport nogetaddrinfo busy-polling server-state-base
  server-state-file thread-groups thread-group numa-cpu-mapping set-dumpable insecure-fork-wanted
  insecure-setuid-wanted localpeer maxconnrate maxsessrate maxsslrate maxpipes maxsslconn
  maxcompcpuusage maxcomprate maxzlibmem master-worker mworker-max-reloads presetenv setenv
  unsetenv resetenv h1-case-adjust h1-case-adjust-file close-spread-time grace limited-quic
  ssl-server-verify ssl-default-server-ciphers ssl-default-server-ciphersuites
  ssl-default-server-options ssl-dh-param-file ssl-load-extra-files ssl-skip-self-issued-ca
  issuers-chain-path ssl-engine ssl-mode-async unix-bind fd-hard-limit shm-stats-file
  expose-experimental-directives pp2-never-send-local profiling.tasks prealloc-fd no]], "", GLOBAL)
words("lua-load lua-load-per-thread lua-prepend-path", "write it as a policy", GLOBAL)
words([[wurfl-data-file wurfl-patch-file wurfl-cache-size wurfl-information-list-separator
  wurfl-information-list 51degrees-data-file deviceatlas-json-file]],
  "neap knows no devices", GLOBAL)

keywords.SECTIONS = {
  cache = CACHE, ["fcgi-app"] = "neap speaks HTTP to backends: no FastCGI",
  program = "neap runs no other programs", peers = "shared stores are of one machine",
  mailers = "the hook changed can tell", ["log-forward"] = "neap passes no logs on",
  resolvers = "", ["http-errors"] = "errors = { [503] = FILE }", ring = "", ["crt-store"] = "",
  traces = "",
}

local function find(section, line)
  if section.kind == "global" then
    local word = line[1]
    if word:find "^tune%." or word:find "^profiling" then return "" end
    return GLOBAL[word]
  end
  if line[1] == "option" then
    return OPTIONS[line[2] or ""], "option " .. tostring(line[2])
  end
  return PROXY[line[1]]
end

---@param remark fun(text: string)
function keywords.tell(section, notes, remark)
  local has_errorfile = false
  for _, line in ipairs(section.lines) do
    local row, name = find(section, line)
    name = name or line[1]
    if row == nil then
      remark(notes:lacks(line, name .. ": this conversion does not know it"))
    elseif line[1] == "errorfile" and not has_errorfile then
      has_errorfile = true
      remark(notes:other(line,
        "errorfile: errors = { [503] = FILE } takes the page, without its head"))
    elseif line[1] == "compression" and section.kind == "backend" then
      remark(notes:lacks(line, "compression: compress is of a service"))
    elseif type(row) == "string" and row ~= "" then
      remark(notes:lacks(line, name .. ": " .. row))
    end
  end
end

return keywords
