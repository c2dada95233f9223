-- Every key of the configuration, one row each. The check, the defaults and docs/config.md are made
-- from these rows.
--
-- A row: { name, type, default =, text = } and, where they apply
--   min, max      limits of numbers; for texts and lists, max is the number of bytes or items
--   unit          for the docs: "s", "bytes"
--   also          further values that are allowed as they are: { false, "all" }
--   values        the words of a choice
--   later         what is not built yet: true (any value but those in `also`), or a set of values
--   section       the section that a table holds
--   optional      of a section: nothing when it is not given
--   of            the row of a list's items
--   required      it must be given
--   when          { key, value, … }: only where that key of the same table has one of these values
--   show          the default as the docs print it
-- Types are in config/types.lua.

local N = require("neap.ffi").numbers

local schema = {}

local MONTH = 30 * 24 * 3600

schema.order = {
  "process", "service", "pool", "backend", "log", "access_log", "explain", "admin",
  "admin_metrics", "admin_share",
  "shared_etcd", "forwarded", "errors", "listen", "tls", "tls_certificate", "tls_client",
  "tls_tickets", "tls_acme", "tls_eab", "pool_tls", "timeouts", "pool_timeouts", "limits",
  "pool_limits", "health", "health_share", "backend_health", "discover", "discover_tls",
  "keepalive", "retry", "budget", "queue", "store", "store_redis", "slow_start", "eject", "mirror",
  "hedge", "send_proxy", "compress", "compress_levels",
}

schema.titles = {
  process = "The process",
  service = "A service",
  pool = "A pool",
  backend = "A backend",
  log = "log",
  store = "shared",
  store_redis = "shared.redis",
  access_log = "access_log",
  explain = "explain",
  admin = "admin",
  admin_metrics = "admin.metrics",
  admin_share = "admin.share",
  shared_etcd = "admin.share.etcd",
  forwarded = "forwarded",
  errors = "errors",
  tls = "tls of a service",
  tls_certificate = "tls.certificates",
  tls_client = "tls.client",
  tls_tickets = "tls.tickets",
  tls_acme = "tls.acme",
  tls_eab = "tls.acme.eab",
  pool_tls = "tls of a pool",
  listen = "listen",
  timeouts = "timeouts of a service",
  pool_timeouts = "timeouts of a pool",
  limits = "limits of a service",
  pool_limits = "limits of a pool",
  health = "health",
  health_share = "health.share",
  backend_health = "health of a backend",
  discover = "discover",
  discover_tls = "discover.tls",
  keepalive = "keepalive",
  retry = "retry",
  budget = "retry.budget",
  queue = "queue",
  slow_start = "slow_start",
  send_proxy = "send_proxy",
  mirror = "mirror",
  hedge = "hedge",
  eject = "eject",
  compress = "compress",
  compress_levels = "compress.levels",
}

schema.process = {
  { "workers", "integer", default = "auto", min = 1, max = N.NEAP_BOARD_WORKERS_MAX,
    also = { "auto" },
    text = "The number of worker processes. `auto`: one for each CPU that this process may use." },
  { "user", "name", max = 63,
    text = "The user that agent and workers run as, when neap is started by root." },
  { "group", "name", max = 63, text = "Their group; without it, the user's own." },
  { "pid_file", "path", max = 255, text = "A file for the master's process id." },
  { "log", "section", section = "log", text = "The error and health log." },
  { "access_log", "section", section = "access_log", optional = true, default = false,
    also = { false },
    text = "A line for each request, or false." },
  { "explain", "section", section = "explain", optional = true, default = false,
    also = { false },
    text = "Keeps stories of requests for `neap explain` (docs/explain.md), or false." },
  { "admin", "section", section = "admin", default = false, also = { false },
    text = "The admin side: dashboard, status, metrics, changes (docs/admin.md)." },
  { "shared", "stores", default = {}, max = N.NEAP_BOARD_STORES_MAX,
    text = "Stores by name that all processes share, for `neap.shared` (docs/shared.md): "
      .. "`{ name = { bytes = 1048576 } }`." },
  { "lua_memory", "integer", default = 268435456, min = 16777216, max = 1099511627776,
    unit = "bytes",
    text = "How much memory the Lua state of each process may use, in workers and in the agent. "
      .. "Hooks that want more are stopped (docs/policies.md)." },
  { "unsafe", "boolean", default = false,
    text = "Gives policies the full Lua library: files, processes, ffi. A policy can then block or "
      .. "crash its worker." },
  { "hardening", "boolean", default = true,
    text = "Takes from agent and workers the system calls that they do not need, where the kernel "
      .. "can (docs/security.md): no policy starts a program, not even with `unsafe`." },
}

schema.log = {
  { "target", "log_target", default = "stderr", max = 255,
    text = "`\"stderr\"`, `\"syslog\"`, `\"syslog+udp://IP:PORT\"`, "
      .. "`\"syslog+tcp://IP:PORT\"` or a file's path (docs/operations.md)." },
  { "level", "choice", default = "info", values = { "debug", "info", "warn", "error" },
    text = "The lowest level that is written." },
  { "checks", "choice", default = "changes", values = { "changes", "all" },
    text = "`\"changes\"`: a line when a check's result differs from the one before; it also says "
      .. "which state the backend gets. `\"all\"`: each check, in the words of the article "
      .. "(docs/health.md); a JSON file in the article's format has this." },
}

schema.explain = {
  { "sample", "share", default = 0.01, max = 1,
    text = "The share of requests whose story is kept; those with a failure always are." },
  { "header", "header", default = false, also = { false, true },
    text = "Answers carry the request's id in this field (true: `X-Neap-Id`)." },
}

schema.access_log = {
  { "target", "log_target", default = "stdout", max = 255,
    text = "`\"stdout\"`, `\"stderr\"`, `\"syslog\"`, `\"syslog+udp://IP:PORT\"`, "
      .. "`\"syslog+tcp://IP:PORT\"` or a file's path; the user that neap runs as must be able to "
      .. "write there." },
  { "format", "access_format", default = "combined",
    text = "`\"combined\"`, `\"json\"`, or a function that takes the request and its outcome and "
      .. "returns the line, or nil for none (docs/access-log.md)." },
}

schema.admin = {
  { "listen", "listen_address", default = "127.0.0.1:9180",
    text = "`host:port`, `:port` or `unix:/path`. Whoever reaches it may read." },
  { "token", "secret", max = 255,
    text = "8 to 255 characters. Every change must carry it: `Authorization: Bearer TOKEN`. "
      .. "Without a token nothing can be changed." },
  { "token_file", "path", max = 255,
    text = "A file that has the token in its first line, instead of `token`; `user` must be able "
      .. "to read it." },
  { "mode", "choice", default = "0600", values = { "0600", "0660", "0666" },
    text = "Who may use a unix socket: its owner, its group too, or everyone on this machine." },
  { "group", "name", max = 63, text = "The group of a unix socket." },
  { "metrics", "section", section = "admin_metrics",
    text = "What `/metrics` shows." },
  { "share", "section", section = "admin_share", optional = true, also = { false },
    text = "Changes of state and weight that several balancers have in common, by etcd "
      .. "(docs/cluster.md)." },
  { "hosts", "list", default = {}, max = 64, of = { "hosts[]", "name", max = 255 },
    text = "Names under which it may be reached. IP addresses and `localhost` always work; any "
      .. "other name is refused, so that no web page can reach it through a name of its own." },
}

schema.admin_metrics = {
  { "backends", "integer", default = true, min = 0, max = 16384, also = { true, false },
    text = "Above so many backends in all pools, `/metrics` has them summed up by pool only. "
      .. "`true`: each of them always; `false`: never." },
}

schema.service = {
  { "name", "name", max = 63, show = "its first listen address",
    text = "What logs and metrics call this service." },
  { "listen", "listen", default = ":8080", max = 1024,
    text = "An address or a list of addresses: `host:port`, `:port`, `[v6]:port`, `unix:/path`. "
      .. "Port 0 lets the system choose. Up to 1024 in a service, and in all services and `admin` "
      .. "together. If addresses overlap, the most specific one gets the connection: "
      .. "`127.0.0.1:80` before `0.0.0.0:80` before `[::]:80`. An address may also be a table with "
      .. "`address`, `tls`, `proxy_protocol`." },
  { "mode", "choice", default = "http", values = { "http", "tcp", "udp" },
    text = "`\"http\"`; `\"tcp\"`: connections as they are, for any protocol (docs/tcp.md); "
      .. "`\"udp\"`: datagrams (docs/udp.md)." },
  { "responses", "integer", default = false, min = 1, max = 1000000, also = { false },
    text = "With `mode = \"udp\"`: so many answers to each datagram of a client are awaited. A "
      .. "flow ends with the last of them: 1 for DNS." },
  { "requests", "integer", default = false, min = 1, max = 1000000, also = { false },
    text = "With `mode = \"udp\"`: after so many datagrams of a client its next one begins another "
      .. "flow. 1: the policy is asked about each datagram." },
  { "pool", "name", max = 63, text = "The name of one of `pools`." },
  { "policy", "policy", default = "round_robin",
    text = "The name of a shipped policy, the path of a Lua file (it has a `/` or ends in `.lua`; "
      .. "relative to this file's folder), a table of hooks or a function that returns one." },
  { "guard", "boolean", default = false,
    text = "The policy decides who may pass: a request whose hook errs, is stopped, waits too long "
      .. "or is tripped is answered with 503. Nobody passes because the policy failed. This "
      .. "overrides `on_error`." },
  { "on_error", "choice", default = "default", values = { "default", "refuse" },
    text = "What happens to a request if `request`, `backends` or `pick` errs: the default policy "
      .. "decides, or the answer is 503." },
  { "tls", "tls", default = false, also = { false }, section = "tls",
    text = "Certificates, and all else about TLS (docs/tls.md). It holds for every address of "
      .. "`listen` that does not say otherwise." },
  { "sniff", "choice", default = false, also = { false }, values = { "tls" },
    text = "With `mode = \"tcp\"`: `\"tls\"` reads the client's first message before the hooks "
      .. "run (`request.sni`, `request.alpn`, `request.ja4`) and passes it on unchanged "
      .. "(docs/tcp.md)." },
  { "proxy_protocol", "boolean", default = false,
    text = "Every connection must begin with a PROXY protocol header (version 1 or 2), as another "
      .. "balancer sends it: the address in it is the client's. For listeners that only such "
      .. "balancers can reach. With `mode = \"udp\"`: every datagram, with version 2." },
  { "http2", "boolean", default = true,
    elsewhere = { auto = "for HTTP/2 to the backends: pools.<name>.http2 = \"auto\"" },
    text = "HTTP/2 for clients (docs/http2.md): offered in the TLS handshake, and served in the "
      .. "clear to a client that begins with it." },
  { "half_close", "boolean", default = false,
    text = "A client that ends its side of the connection after its request still gets the answer. "
      .. "Without it such a client counts as gone, and its request is given up." },
  { "forwarded", "section", section = "forwarded", text = "Who is believed about the client." },
  { "request_id", "header", default = false, also = { false, true },
    text = "Gives each request an id that its backend gets in this field (true: `X-Request-Id`); a "
      .. "trusted peer's id is kept. It is `request.id` in hooks and the id in the access log." },
  { "traceparent", "boolean", default = false,
    text = "Makes a W3C `traceparent` for requests that come without a valid one. A valid one is "
      .. "always passed on." },
  { "compress", "compress", section = "compress", default = false, also = { false },
    text = "Answers are compressed for clients that take it (docs/compress.md): a list of codings, "
      .. "the preferred one first, `{ \"zstd\", \"br\", \"gzip\" }`, or a table." },
  { "errors", "errors", section = "errors", text = "What clients are told of errors." },
  { "via", "via", default = false, also = { false }, max = 63,
    text = "A name for this service in `Via` of requests to its backends, as no other balancer on "
      .. "their way has it. One that comes back with it has gone round by way of another balancer, "
      .. "and is answered with 508 (docs/http.md)." },
  { "timeouts", "section", section = "timeouts", text = "How long to wait for what." },
  { "limits", "section", section = "limits", text = "How much a client may ask for." },
}

schema.forwarded = {
  { "trust", "list", default = {}, max = 1024, of = { "trust[]", "cidr" },
    text = "Peers whose `X-Forwarded-*` and `Forwarded` fields are believed and appended to: IP "
      .. "addresses, ranges like `10.0.0.0/8`, or `unix` for all unix peers. Those of anyone else "
      .. "are replaced." },
}

schema.errors = {
  { "expose", "boolean", default = true,
    text = "neap's own answers carry the reason, in `x-neap-error` and in their text. `false`: "
      .. "only log, metrics and `neap explain` have it." },
}

local function timeout(name, default, text)
  return {
    name, "seconds", default = default, max = MONTH, also = { false }, unit = "s", text = text,
  }
end

schema.timeouts = {
  timeout("client_header", 10, "From a request's first byte to the end of its head; also for the "
    .. "PROXY header."),
  timeout("handshake", 10, "From the start of a connection to the end of its TLS handshake; with "
    .. "`sniff`, of its first message."),
  timeout("client_body", 30, "Between two pieces of a request's body."),
  timeout("client_idle", 75, "Between two requests of a connection. Longer than common balancers "
    .. "in front wait (60 s), so that they end the connection."),
  timeout("connect", 5, "To reach a backend, all addresses of its name together."),
  timeout("response", 60, "From sending the request to the first byte of the answer."),
  timeout("attempt", false, "For one attempt, connecting included, until the first byte of the "
    .. "answer; in a tcp service, until the backend is connected. It does not end an attempt while "
    .. "neap waits for the client's body. When it is over, the policy's `failed` decides."),
  timeout("stream_idle", 60, "Between two pieces of an answer, either way; a piece of the "
    .. "request's body counts, too."),
  timeout("linger", 30, "For a client that still sends when its last answer is out: what it sends "
    .. "is read and dropped, so that the answer reaches it. Two seconds of silence end it, too."),
  timeout("tunnel", 3600, "Between two pieces in a tunnel (WebSocket) or on a connection of a tcp "
    .. "service, either way."),
  timeout("half_closed", 60, "The same, once one side has ended."),
  timeout("keepalive_probe", 60, "A tunnel or a connection of a tcp service that is silent for so "
    .. "long is probed (TCP keepalive), on both sides; after the same time without a reply it is "
    .. "dead."),
  timeout("request", false, "For the whole request, all attempts together; in a tcp service, until "
    .. "a backend is connected."),
  { "udp", "seconds", default = 30, min = 0.1, max = MONTH, unit = "s",
    text = "Without a datagram either way: the end of a flow of a udp service." },
  timeout("drain", 30, "For requests to end once a graceful stop has begun."),
  timeout("notice", false, "Before that: `/healthz` is 503 already, and all is still accepted, so "
    .. "that whoever asks it (keepalived, a balancer in front) can send clients elsewhere first. "
    .. "The longest of all services holds; a reload has none."),
}

schema.pool_timeouts = {
  timeout("connect", nil, "To reach a backend."),
  timeout("response", nil, "From sending the request to the first byte of the answer."),
  timeout("attempt", nil, "From the start of an attempt to the first byte of the answer."),
  timeout("stream_idle", nil, "Between two pieces of an answer, either way; a piece of the "
    .. "request's body counts, too."),
}
for _, row in ipairs(schema.pool_timeouts) do row.show = "the service's" end

schema.limits = {
  { "header_bytes", "integer", default = 16384, min = 512, max = 262144, unit = "bytes",
    text = "The size of a request's head." },
  { "uri_bytes", "integer", default = 8192, min = 16, max = 131072, unit = "bytes",
    text = "The size of its target." },
  { "headers", "integer", default = 100, min = 1, max = 1000,
    text = "The number of its header lines." },
  { "body_bytes", "integer", default = false, min = 1, max = 2 ^ 50, also = { false },
    unit = "bytes", text = "The size of its body." },
  { "hook_body_bytes", "integer", default = 65536, min = 1024, max = 16777216, unit = "bytes",
    text = "The most that hooks may ask for by `request:body`. So much memory may be held for each "
      .. "request whose hook asks." },
  { "connections", "integer", default = 10000, min = 1, max = 1000000,
    text = "Client connections of one worker." },
  { "requests", "integer", default = false, min = 1, max = 2 ^ 31, also = { false },
    text = "Requests on one client connection." },
  { "streams", "integer", default = 128, min = 1, max = 10000,
    text = "Requests under way at the same time on one connection of HTTP/2." },
  { "stream_window", "integer", default = 262144, min = 65535, max = 2 ^ 24, unit = "bytes",
    text = "What a client of HTTP/2 may send of one request's body before the backend has taken "
      .. "it. It begins with 65535 and grows as the backend keeps up." },
  { "connection_window", "integer", default = 1048576, min = 65535, max = 2 ^ 28, unit = "bytes",
    text = "What a client of HTTP/2 may send of all bodies of a connection before neap has read "
      .. "it." },
  { "udp_sessions", "integer", default = 100000, min = 1, max = 4000000,
    text = "Flows of one worker in a udp service. A datagram that would begin one more is "
      .. "dropped." },
  { "source_datagrams", "integer", default = false, min = 1, max = 10000000, also = { false },
    text = "Datagrams a second that one worker of a udp service takes from one source, and as many "
      .. "at once after a pause; the others are dropped (docs/udp.md)." },
  { "source_flows", "integer", default = false, min = 1, max = 10000000, also = { false },
    text = "Flows a second that one source may begin, likewise." },
  { "source_bits_v4", "integer", default = 32, min = 1, max = 32,
    text = "So many bits of an IPv4 address are one source." },
  { "source_bits_v6", "integer", default = 64, min = 1, max = 128,
    text = "So many bits of an IPv6 address are one source." },
}

schema.pool_limits = {
  { "header_bytes", "integer", default = 65536, min = 512, max = 262144, unit = "bytes",
    text = "The size of an answer's head." },
  { "headers", "integer", default = 500, min = 1, max = 1000,
    text = "The number of its header lines." },
  { "stream_window", "integer", default = 262144, min = 32768, max = 16777216, unit = "bytes",
    text = "With HTTP/2, bytes of an answer that its client has not taken yet. A stream begins "
      .. "with 32768 of them, and gets more as its client keeps up." },
}

schema.pool = {
  { "backends", "backends", max = 16384,
    text = "A list of URLs (`http://host:port/base`, `unix:/path`; in a tcp service "
      .. "`tcp://host:port`, in a udp service `udp://host:port`) or tables." },
  { "health", "health", section = "health",
    text = "How backends are checked: one check, or a list of checks that must all pass." },
  { "discover", "section", section = "discover",
    text = "Where backends come from beside this file: a registry, or the policy's `discover` "
      .. "(docs/discovery.md)." },
  { "keepalive", "section", section = "keepalive", text = "Idle connections to backends." },
  { "retry", "section", section = "retry", text = "When a request is sent again." },
  { "send_proxy", "send_proxy", default = false, also = { false }, section = "send_proxy",
    text = "Every connection to a backend begins with a PROXY protocol header of this version, "
      .. "which tells it the client's address; `{ version = 2, tls = true }` also tells what is "
      .. "known of the client's TLS (docs/tcp.md). With HTTP, such a connection serves one request "
      .. "only. In a udp service a header of version 2 goes before each datagram (docs/udp.md)." },
  { "source", "choice", default = "neap", values = { "neap", "client" },
    text = "Of a pool that only udp services use: whose IP address its backends see, neap's or the "
      .. "client's. `\"client\"` needs a right and routes (docs/udp.md)." },
  { "queue", "section", section = "queue", also = { false },
    text = "Requests that wait while every backend they may go to is at its `slots`. `false`: they "
      .. "are answered with 503 at once." },
  { "slow_start", "slow_start", default = false, also = { false }, section = "slow_start",
    text = "A backend that comes back, or joins, begins with a small share, which grows. The "
      .. "value: seconds until it has its full share, or a table (docs/health.md)." },
  { "shadow", "policy", default = false, also = { false },
    text = "A second policy, in any form of `policy`. Its `pick` is asked about each request too, "
      .. "once the request is on its way, and its answers are only compared (docs/policies.md)." },
  { "eject", "section", default = false, also = { false }, section = "eject",
    text = "Backends that fail more than the others are taken out of service for a while; `{}` "
      .. "uses the defaults (docs/health.md)." },
  { "mirror", "section", default = false, also = { false }, section = "mirror",
    text = "A copy of each request goes to another pool, too; its answer is dropped "
      .. "(docs/http.md)." },
  { "hedge", "section", default = false, also = { false }, section = "hedge",
    text = "A request whose answer takes long is sent to a second backend, too; the first answer "
      .. "wins (docs/http.md)." },
  { "panic", "share", default = 0, max = 1, also = { false },
    text = "When a smaller share of the backends than this is up, all are used, dead ones too. "
      .. "0: never (docs/health.md)." },
}

-- Further keys of a pool in `pools`; a service has its own.
schema.pool_own = {
  { "policy", "policy", show = "the service's",
    text = "As in a service. Its `pick`, `failed`, `check` and `discover` override the service's; "
      .. "`response`, `log` and `changed` of both run." },
  { "timeouts", "section", section = "pool_timeouts",
    text = "Overrides `connect`, `response`, `attempt`, `stream_idle`." },
  { "limits", "section", section = "pool_limits",
    text = "How much a backend may answer with." },
  { "http2", "choice", default = false, also = { false, true }, values = { "auto" },
    text = "HTTP/2 to the backends, many requests at a time on each connection (docs/http2.md): "
      .. "`true`: over TLS by ALPN, else from the first byte on; `\"auto\"`: with `https://` "
      .. "backends, where they offer it." },
  { "tls", "section", section = "pool_tls", optional = true, also = { false },
    text = "How `https://` and `tls://` backends are spoken to. (Beside a service's own `backends` "
      .. "these keys stand in the service's `tls`.)" },
}

schema.backend = {
  { "url", "url", required = true,
    text = "`http://host:port/base`, `tcp://host:port` (in a tcp service), "
      .. "`udp://host:port` (in a udp service) or `unix:/path`; over TLS `https://` and "
      .. "`tls://`. A name may have several addresses." },
  { "name", "name", max = 159, show = "`host:port` and the base path",
    text = "Its identity in the pool, over reloads too." },
  { "weight", "integer", default = 1, min = 0, max = 1000,
    text = "Its share of the requests, relative to the others. 0: it gets nothing new, but clients "
      .. "that stay with it by a cookie still come." },
  { "tier", "integer", default = 0, min = 0, max = 1000,
    text = "Backends of a higher tier are used when none of a lower one is left." },
  { "zone", "name", max = 31, text = "Where it is, for policies." },
  { "slots", "integer", default = false, min = 1, max = 1000000, also = { false },
    text = "Requests at a time, over all workers." },
  { "server_name", "server_name", max = 127, show = "the pool's",
    text = "As in the pool's `tls`." },
  { "send_proxy", "send_proxy", optional = true, also = { false }, section = "send_proxy",
    show = "the pool's",
    text = "Whether connections to it begin with a PROXY protocol header, and of which version." },
  { "health", "section", section = "backend_health", optional = true,
    text = "Where else to check it." },
  { "tags", "tags", default = {}, max = 511,
    text = "What policies want to know: a table of strings, numbers and booleans; a list of words "
      .. "sets each of them to true." },
}

-- An item of `listen` that is a table.
schema.listen = {
  { "address", "listen_address", required = true, text = "Where to listen." },
  { "tls", "boolean", show = "whether the service has `tls`",
    text = "Do connections here begin with a TLS handshake?" },
  { "proxy_protocol", "boolean", show = "the service's",
    text = "Must connections here begin with a PROXY protocol header?" },
}

for name, rows in pairs(require "neap.config.schema_tls") do schema[name] = rows end

schema.keepalive = {
  { "connections", "integer", default = 64, min = 0, max = 65536, also = { false },
    text = "Idle connections that one worker keeps to one backend; 0 or false: none. More are kept "
      .. "for a second, for the next burst." },
  { "idle", "seconds", default = 55, max = MONTH, unit = "s", text = "How long one may be idle." },
  { "requests", "integer", default = false, min = 1, max = 2 ^ 31, also = { false },
    text = "Requests on one connection." },
}

schema.retry = {
  { "attempts", "integer", default = "all", min = 1, max = 16384, also = { "all" },
    text = "Attempts of one request, the first included; each backend is tried at most once." },
  { "unsafe", "boolean", default = false,
    text = "Sends a request again even if the backend may have acted on it (POST)." },
  { "status", "status_list", default = {}, max = 500,
    text = "A list of statuses that count as failures: `{ 502, \"520-529\" }`. With the default "
      .. "policy such an answer makes the backend suspect (docs/health.md), and the request is "
      .. "tried on one other." },
  { "grpc_status", "grpc_status_list", default = {}, max = 16,
    text = "The same for gRPC calls that end with one of these statuses before anything else came: "
      .. "`{ \"UNAVAILABLE\" }` or `{ 14 }`. Such a call is sent again although it is a POST "
      .. "(docs/grpc.md)." },
  { "body_bytes", "integer", default = 65536, min = 0, max = 1048576, also = { false },
    unit = "bytes", text = "How much of a request's body is kept to be sent again." },
  { "budget", "section", section = "budget", default = false, also = { false },
    text = "Against retry storms: how many requests may be sent again, as a share of all." },
}

schema.budget = {
  { "ratio", "number", default = 0.2, min = 0, max = 1000,
    text = "The share of the pool's requests within `ttl`, over all workers, that may be sent "
      .. "again." },
  { "min_per_second", "number", default = 10, min = 0, max = 1e6,
    text = "How many more may be sent again per second, for pools with little traffic." },
  { "ttl", "seconds", default = 10, max = 3600, unit = "s",
    text = "The window in which requests and retries are counted." },
}

schema.queue = {
  { "length", "integer", default = 1024, min = 0, max = 1000000,
    text = "How many requests may wait at a time, over all workers. 0: none." },
  { "timeout", "seconds", default = 5, max = MONTH, unit = "s",
    text = "How long a request waits at most." },
}

schema.mirror = {
  { "pool", "name", required = true, max = 63, text = "The name of the pool that gets copies." },
  { "share", "share", default = 1, max = 1,
    text = "Of so many requests a copy is made, by the dice: 0.1 is one in ten." },
}

schema.hedge = {
  { "after", "seconds", required = true, max = 3600, unit = "s",
    text = "After this long without the head of an answer: GET, HEAD and OPTIONS only." },
  { "share", "share", default = 0.1, max = 1,
    text = "At most this share of the pool's requests of the last 10 s, over all workers; one in "
      .. "any case, unless it is 0." },
}

schema.send_proxy = {
  { "version", "integer", default = 2, min = 1, max = 2, text = "Of the header." },
  { "tls", "boolean", default = false,
    text = "With version 2: the header also has the version and cipher of the client's TLS, the "
      .. "host that it asked for, its protocol (ALPN), and whose certificate it showed." },
}

for name, rows in pairs(require "neap.config.schema_health") do schema[name] = rows end
for name, rows in pairs(require "neap.config.schema_discover") do schema[name] = rows end
for name, rows in pairs(require "neap.config.schema_store") do schema[name] = rows end
for name, rows in pairs(require "neap.config.schema_compress") do schema[name] = rows end

-- Rows that only the long form has.
schema.long = {
  { "services", "services", max = N.NEAP_BOARD_SERVICES_MAX, text = "A list of services." },
  { "pools", "pools", max = N.NEAP_BOARD_POOLS_MAX, text = "Pools by name." },
}

return schema
