-- Every key of the configuration, one row each. The check, the defaults and docs/config.md come
-- from here.
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

local schema = {}

local MONTH = 30 * 24 * 3600

schema.order = {
  "process", "service", "pool", "backend", "log", "access_log", "explain", "admin", "forwarded",
  "timeouts", "pool_timeouts", "limits", "health", "backend_health", "discover", "keepalive",
  "retry", "budget", "queue", "slow_start", "eject",
}

schema.titles = {
  process = "The process",
  service = "A service",
  pool = "A pool",
  backend = "A backend",
  log = "log",
  access_log = "access_log",
  explain = "explain",
  admin = "admin",
  forwarded = "forwarded",
  timeouts = "timeouts of a service",
  pool_timeouts = "timeouts of a pool",
  limits = "limits",
  health = "health",
  backend_health = "health of a backend",
  discover = "discover",
  keepalive = "keepalive",
  retry = "retry",
  budget = "retry.budget",
  queue = "queue",
  slow_start = "slow_start",
  eject = "eject",
}

schema.process = {
  { "workers", "integer", default = "auto", min = 1, max = 64, also = { "auto" },
    text = "Worker processes. `auto`: as many as there are CPUs that this process may use." },
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
  { "unsafe", "boolean", default = false,
    text = "Gives policies the full Lua library: files, processes, ffi. A policy can then hold up "
      .. "or take down its worker." },
}

schema.log = {
  { "target", "path", default = "stderr", max = 255,
    text = "`\"stderr\"`, `\"syslog\"` or a file's path." },
  { "level", "choice", default = "info", values = { "debug", "info", "warn", "error" },
    text = "The least level that is written." },
}

schema.explain = {
  { "sample", "share", default = 0.01, max = 1,
    text = "The share of requests whose story is kept; those with a failure always are." },
  { "header", "header", default = false, also = { false, true },
    text = "Answers carry the request's id in this field (true: `X-Neap-Id`)." },
}

schema.access_log = {
  { "target", "path", default = "stdout", max = 255,
    text = "`\"stdout\"`, `\"stderr\"`, `\"syslog\"` or a file's path, which the user that neap "
      .. "runs as can write to." },
  { "format", "access_format", default = "combined",
    text = "`\"combined\"`, `\"json\"`, or a function of the request and its outcome that returns "
      .. "the line, or nil for none (docs/access-log.md)." },
}

schema.admin = {
  { "listen", "listen_address", default = "127.0.0.1:9180",
    text = "`host:port`, `:port` or `unix:/path`. Whoever reaches it may read." },
  { "token", "secret", max = 255,
    text = "8 to 255 characters. Who changes something must send it: `Authorization: Bearer "
      .. "TOKEN`. Without a token nothing can be changed." },
  { "token_file", "path", max = 255,
    text = "A file that has the token in its first line, instead of `token`; `user` must be able "
      .. "to read it." },
  { "mode", "choice", default = "0600", values = { "0600", "0660", "0666" },
    text = "Who may use a unix socket: its owner, its group too, or everyone on this machine." },
  { "group", "name", max = 63, text = "The group of a unix socket." },
  { "hosts", "list", default = {}, max = 64, of = { "hosts[]", "name", max = 255 },
    text = "Names under which it may be reached. IP addresses and `localhost` always work; any "
      .. "other name is refused, so that no web page can reach it through a name of its own." },
}

schema.service = {
  { "name", "name", max = 63, show = "its first listen address",
    text = "What logs and metrics call this service." },
  { "listen", "listen", default = ":8080", max = 64,
    text = "An address or a list of addresses: `host:port`, `:port`, `[v6]:port`, `unix:/path`. "
      .. "Port 0 lets the system choose." },
  { "mode", "choice", default = "http", values = { "http", "tcp" },
    text = "`\"http\"`, or `\"tcp\"`: connections as they are, for any protocol (docs/tcp.md)." },
  { "pool", "name", max = 63, text = "The name of one of `pools`." },
  { "policy", "policy", default = "round_robin",
    text = "The name of a shipped policy, the path of a Lua file (it has a `/` or ends in `.lua`; "
      .. "relative to this file's folder), a table of hooks or a function that returns one." },
  { "on_error", "choice", default = "default", values = { "default", "refuse" },
    text = "What an erring hook does to its request: the default policy decides, or it is answered "
      .. "with 503." },
  { "tls", "later", also = { false }, later = true, text = "Certificates." },
  { "proxy_protocol", "boolean", default = false,
    text = "Every connection must begin with a PROXY protocol header (version 1 or 2), as another "
      .. "balancer sends it: the address in it is the client's. For listeners that only such "
      .. "balancers can reach." },
  { "forwarded", "section", section = "forwarded", text = "Who is believed about the client." },
  { "request_id", "header", default = false, also = { false, true },
    text = "Gives each request an id that its backend gets in this field (true: `X-Request-Id`); "
      .. "a trusted peer's is kept. It is `request.id` of hooks and the id in the access log." },
  { "traceparent", "boolean", default = false,
    text = "Makes a W3C `traceparent` for requests that come without a valid one. One that came "
      .. "is always passed on." },
  { "timeouts", "section", section = "timeouts", text = "How long to wait for what." },
  { "limits", "section", section = "limits", text = "How much a client may ask for." },
}

schema.forwarded = {
  { "trust", "list", default = {}, max = 1024, of = { "trust[]", "cidr" },
    text = "Peers whose `X-Forwarded-*` and `Forwarded` is believed and appended to: IP addresses, "
      .. "ranges like `10.0.0.0/8`, or `unix` for all unix peers. From anyone else it is "
      .. "replaced." },
}

local function timeout(name, default, text)
  return {
    name, "seconds", default = default, max = MONTH, also = { false }, unit = "s", text = text,
  }
end

schema.timeouts = {
  timeout("client_header", 10, "From a request's first byte to the end of its head; for the PROXY "
    .. "header."),
  timeout("client_body", 30, "Between two pieces of a request's body."),
  timeout("client_idle", 60, "Between two requests of a connection."),
  timeout("connect", 5, "To reach a backend, all addresses of its name together."),
  timeout("response", 60, "From the request sent to the first byte of the answer."),
  timeout("attempt", false, "For one attempt: from its begin, connecting included, to the first "
    .. "byte of the answer, while the client is not the one who is waited for; of a tcp service, "
    .. "until the backend is connected. What follows is the policy's `failed` to say."),
  timeout("stream_idle", 60, "Between two pieces of an answer, either way."),
  timeout("tunnel", 3600, "Between two pieces in a tunnel (WebSocket) or on a connection of a tcp "
    .. "service, either way."),
  timeout("request", false, "For the whole request, all attempts together; of a tcp service, until "
    .. "a backend is connected."),
  timeout("drain", 30, "For requests to end after a graceful stop began."),
}

schema.pool_timeouts = {
  timeout("connect", nil, "To reach a backend."),
  timeout("response", nil, "From the request sent to the first byte of the answer."),
  timeout("attempt", nil, "From an attempt's begin to the first byte of the answer."),
  timeout("stream_idle", nil, "Between two pieces of an answer, either way."),
}
for _, row in ipairs(schema.pool_timeouts) do row.show = "the service's" end

schema.limits = {
  { "header_bytes", "integer", default = 16384, min = 512, max = 262144, unit = "bytes",
    text = "A request's head." },
  { "uri_bytes", "integer", default = 8192, min = 16, max = 131072, unit = "bytes",
    text = "Its target." },
  { "headers", "integer", default = 100, min = 1, max = 1000, text = "Its header lines." },
  { "body_bytes", "integer", default = false, min = 1, max = 2 ^ 50, also = { false },
    unit = "bytes", text = "Its body." },
  { "connections", "integer", default = 10000, min = 1, max = 1000000,
    text = "Client connections of one worker." },
  { "requests", "integer", default = false, min = 1, max = 2 ^ 31, also = { false },
    text = "Requests on one client connection." },
}

schema.pool = {
  { "backends", "backends", max = 16384,
    text = "A list of URLs (`http://host:port/base`, `unix:/path`; of a tcp service "
      .. "`tcp://host:port`) or tables." },
  { "health", "health", section = "health",
    text = "How backends are checked: one check, or a list of checks that must all pass." },
  { "discover", "section", section = "discover", text = "When the policy's `discover` runs." },
  { "keepalive", "section", section = "keepalive", text = "Idle connections to backends." },
  { "retry", "section", section = "retry", text = "When a request is sent again." },
  { "send_proxy", "integer", default = false, min = 1, max = 2, also = { false },
    text = "Every connection to a backend begins with a PROXY protocol header of this version, "
      .. "which tells it the client's address. Of http, such a connection serves one request." },
  { "queue", "section", section = "queue", also = { false },
    text = "Requests that wait while every backend they may go to is at its `slots`. `false`: they "
      .. "are answered with 503 at once." },
  { "slow_start", "slow_start", default = false, also = { false }, section = "slow_start",
    text = "What comes back, or joins, gets its share bit by bit: seconds, or a table "
      .. "(docs/health.md)." },
  { "shadow", "policy", default = false, also = { false },
    text = "A policy, in the forms of `policy`, whose `pick` is asked about each request too, when "
      .. "that is on its way; its answers are only compared (docs/policies.md)." },
  { "eject", "section", default = false, also = { false }, section = "eject",
    text = "Takes backends out of service for a while that fail more than the others; `{}`: by the "
      .. "defaults (docs/health.md)." },
  { "panic", "share", default = 0, max = 1, also = { false },
    text = "The share of backends up, below which all are used, dead ones too; 0: never "
      .. "(docs/health.md)." },
}

-- These a pool in `pools` has besides; a service has its own.
schema.pool_own = {
  { "policy", "policy", show = "the service's",
    text = "As a service's. Overrides its `pick`, `failed`, `response`, `check`, `discover` and "
      .. "`changed`." },
  { "timeouts", "section", section = "pool_timeouts",
    text = "Overrides `connect`, `response`, `attempt`, `stream_idle`." },
}

schema.backend = {
  { "url", "url", required = true,
    text = "`http://host:port/base`, `tcp://host:port` (of a tcp service) or `unix:/path`. A name "
      .. "may have several addresses." },
  { "name", "name", max = 159, show = "`host:port` and the base path",
    text = "Its identity in the pool, over reloads too." },
  { "weight", "integer", default = 1, min = 0, max = 1000,
    text = "Its share of the requests, beside that of the others. 0: nothing new, but who is with "
      .. "it by a cookie stays." },
  { "tier", "integer", default = 0, min = 0, max = 1000,
    text = "Backends of a higher tier are used when none of a lower one is left." },
  { "zone", "name", max = 31, text = "Where it is, for policies." },
  { "slots", "integer", default = false, min = 1, max = 1000000, also = { false },
    text = "Requests at a time, over all workers." },
  { "send_proxy", "integer", min = 1, max = 2, also = { false }, show = "the pool's",
    text = "Whether connections to it begin with a PROXY protocol header, and of which version." },
  { "health", "section", section = "backend_health", optional = true,
    text = "Where else to check it." },
  { "tags", "tags", default = {}, max = 511,
    text = "What policies want to know: a table of strings, numbers and booleans; a list of words "
      .. "sets each of them to true." },
}

schema.health = {
  { "type", "choice", default = "tcp", values = { "tcp", "http", "https", "icmp", "none" },
    later = { https = true },
    text = "`\"tcp\"`: it accepts a connection, and answers as expected. `\"http\"`: it answers a "
      .. "request well. `\"icmp\"`: its host answers a ping. `\"none\"`: no checks." },
  { "interval", "seconds", default = 60, max = MONTH, unit = "s", text = "Between two checks." },
  { "fast", "seconds", default = false, max = MONTH, also = { false }, unit = "s",
    text = "Between two checks while the backend is on its way up or down: `rise` or `fall` is "
      .. "begun and not reached." },
  { "jitter", "share", default = 0.1, max = 0.5,
    text = "How far the time between two checks may be off, as a share of it, so that many do not "
      .. "march in step." },
  { "timeout", "seconds", default = 60, max = MONTH, unit = "s", text = "For one check." },
  { "rise", "integer", default = 1, min = 1, max = 1000, text = "Good checks until it is up." },
  { "fall", "integer", default = 1, min = 1, max = 1000, text = "Bad checks until it is down." },
  { "recheck", "seconds", default = 1, max = MONTH, unit = "s",
    text = "First new check of what a request marked down; then every 2 s." },
  { "initial", "choice", default = "unknown", values = { "unknown", "up", "down" },
    text = "What a new backend is before its first check. `\"down\"`: nothing is sent there until "
      .. "it has passed one." },
  { "address", "target_host", max = 255, when = { "type", "tcp", "http", "icmp" },
    show = "the backend's",
    text = "Another address to check: a name, an IP address, or `unix:/path`." },
  { "port", "integer", min = 1, max = 65535, when = { "type", "tcp", "http" },
    show = "the backend's", text = "Another port to check." },
  { "send_proxy", "integer", min = 1, max = 2, also = { false }, when = { "type", "tcp", "http" },
    show = "the backend's, unless another address or port is checked",
    text = "The check begins with a PROXY protocol header of this version, one without a client." },
  { "send", "bytes", max = 4096, when = { "type", "tcp" },
    text = "Bytes to send once connected: `\"PING\\r\\n\"`." },
  { "expect", "matcher", max = 1023, when = { "type", "tcp" },
    text = "What the first 4 KiB that come must contain: a text, or `{ pattern = \"^220 \" }` "
      .. "(docs/health.md)." },
  { "method", "token", default = "GET", max = 31, when = { "type", "http" },
    text = "The method of the request." },
  { "path", "target", default = "/", max = 1023, when = { "type", "http" },
    text = "Its path, with a query if need be; behind the backend's base path." },
  { "host", "name", max = 127, when = { "type", "http" }, show = "the backend's host and port",
    text = "Its `Host`." },
  { "headers", "headers", default = {}, max = 32, when = { "type", "http" },
    text = "Further header fields of the request: `{ authorization = \"Basic …\" }`." },
  { "status", "statuses", default = "200-399", when = { "type", "http" },
    text = "The statuses that are good: `204`, `\"200-399\"`, `\"200,204,300-399\"`, or a list." },
  { "expect_headers", "header_matchers", default = {}, max = 32, when = { "type", "http" },
    text = "Header fields that the answer must have: `true`, or what its value must contain, as "
      .. "`expect`." },
  { "body", "matcher", max = 1023, when = { "type", "http" },
    text = "What the first 64 KiB of the answer's body must contain: a text, or "
      .. "`{ pattern = … }`." },
}

-- These a backend may have of its own.
schema.backend_health = {
  { "address", "target_host", max = 255, show = "the pool's",
    text = "Another address to check: a name, an IP address, or `unix:/path`." },
  { "port", "integer", min = 1, max = 65535, show = "the pool's",
    text = "Another port to check." },
}

schema.discover = {
  { "interval", "seconds", default = 10, max = MONTH, unit = "s", text = "Between two runs." },
}

schema.keepalive = {
  { "connections", "integer", default = 64, min = 0, max = 65536, also = { false },
    text = "Idle connections kept, of a worker to a backend; 0 or false: none." },
  { "idle", "seconds", default = 55, max = MONTH, unit = "s", text = "How long one may be idle." },
  { "requests", "integer", default = false, min = 1, max = 2 ^ 31, also = { false },
    text = "Requests on one connection." },
}

schema.retry = {
  { "attempts", "integer", default = "all", min = 1, max = 16384, also = { "all" },
    text = "Attempts of one request, the first included; each backend is tried at most once." },
  { "unsafe", "boolean", default = false,
    text = "Sends again even what the backend may have acted on (POST)." },
  { "status", "status_list", default = {}, max = 500,
    text = "A list of statuses that count as failures: `{ 502, \"520-529\" }`. The default policy "
      .. "marks a backend down for one, and tries one other; a `failed` hook may be milder." },
  { "body_bytes", "integer", default = 65536, min = 0, max = 1048576, also = { false },
    unit = "bytes", text = "How much of a request's body is kept to be sent again." },
  { "budget", "section", section = "budget", default = false, also = { false },
    text = "Against retry storms: how many requests may be sent again, measured against all." },
}

schema.budget = {
  { "ratio", "number", default = 0.2, min = 0, max = 1000,
    text = "Of the pool's requests within `ttl`, over all workers, this share may be sent again." },
  { "min_per_second", "number", default = 10, min = 0, max = 1e6,
    text = "On top of that, so many a second, for pools with little traffic." },
  { "ttl", "seconds", default = 10, max = 3600, unit = "s",
    text = "The window in which requests and retries are counted." },
}

schema.queue = {
  { "length", "integer", default = 1024, min = 0, max = 1000000,
    text = "The most that wait at a time, over all workers. 0: none." },
  { "timeout", "seconds", default = 5, max = MONTH, unit = "s",
    text = "How long one waits at most." },
}

schema.slow_start = {
  { "time", "seconds", default = 30, max = MONTH, unit = "s",
    text = "Until it has its full share." },
  { "from", "share", default = 0.1, max = 1, text = "The share that it begins with." },
}

schema.eject = {
  { "consecutive", "integer", default = 5, min = 1, max = 1000000, also = { false },
    text = "Failures in a row, over all workers; the first good answer ends the row." },
  { "error_rate", "share", default = false, max = 1, also = { false },
    text = "How much higher than that of the pool's other backends its share of failures may be, "
      .. "in one `interval`: with 0.2, 25 % are too many where the others have 4 %." },
  { "interval", "seconds", default = 10, max = MONTH, unit = "s",
    text = "How often shares of failures are looked at." },
  { "min_requests", "integer", default = 20, min = 1, max = 1000000,
    text = "Of fewer requests in an interval no share is made; the same for all others together." },
  { "status", "status_list", default = { 500, 502, 503, 504 }, max = 500,
    show = "`{ 500, 502, 503, 504 }`",
    text = "Statuses that count as failures, besides connections refused, timeouts, resets and "
      .. "invalid answers." },
  { "time", "seconds", default = 30, max = MONTH, unit = "s",
    text = "How long the first time; the second time twice as long, then three times, …" },
  { "max_time", "seconds", default = 300, max = MONTH, unit = "s", text = "But no longer." },
  { "max_share", "share", default = 0.5, max = 1,
    text = "The share of the pool's backends that may be out by it at once; 1: all but one." },
}

-- Rows that only the long form has.
schema.long = {
  { "services", "services", max = 256, text = "A list of services." },
  { "pools", "pools", max = 256, text = "Pools by name." },
}

return schema
