-- Rows of the schema about who is fit to serve: checks, `slow_start`, `eject`
-- (schema.lua says what a row is).

local health = {}

local MONTH = 30 * 24 * 3600

health.health = {
  { "type", "choice", default = "tcp",
    values = { "tcp", "http", "https", "grpc", "agent", "udp", "dns", "icmp", "none" },
    show = "`tcp`; `udp` for pools of udp services",
    text = "`\"tcp\"`: it accepts a connection, and answers as expected. `\"http\"`: it gives a "
      .. "good answer to a request; `\"https\"`: over TLS, in any case. `\"grpc\"`: it says of "
      .. "itself that it serves (grpc.health.v1). `\"agent\"`: a program beside it says how it is "
      .. "(docs/health.md#agents). `\"udp\"`: it takes a datagram, and answers as "
      .. "expected; `\"dns\"`: it answers a query (docs/udp.md). "
      .. "`\"icmp\"`: its host answers a ping. "
      .. "`\"none\"`: no checks." },
  { "interval", "seconds", default = 60, max = MONTH, unit = "s", text = "Between two checks." },
  { "fast", "seconds", default = false, max = MONTH, also = { false }, unit = "s",
    text = "Between two checks while the backend is on its way up or down: `rise` or `fall` is "
      .. "begun and not reached." },
  { "jitter", "share", default = 0.1, max = 0.5,
    text = "How far the time between two checks may vary, as a share of it, so that checks do not "
      .. "run in step." },
  { "timeout", "seconds", default = 60, max = MONTH, unit = "s", text = "For one check." },
  { "rise", "integer", default = 1, min = 1, max = 1000, text = "Good checks until it is up." },
  { "fall", "integer", default = 1, min = 1, max = 1000, text = "Bad checks until it is down." },
  { "failures", "integer", default = 3, min = 1, max = 1000,
    text = "How many requests in a row that fail after connecting take the backend down, even if "
      .. "its check finds it healthy (docs/health.md)." },
  { "recheck", "seconds", default = 1, max = MONTH, unit = "s",
    text = "How soon a backend that a request marked down is checked again; from then on every "
      .. "2 s." },
  { "initial", "choice", default = "unknown", values = { "unknown", "up", "down" },
    text = "The state of a new backend before its first check. `\"down\"`: nothing is sent there "
      .. "until it has passed one." },
  { "share", "section", section = "health_share", optional = true, also = { false },
    text = "Of several balancers each checks its part of the backends, and all hear of it, by etcd "
      .. "(docs/cluster.md)." },
  { "address", "target_host", max = 255,
    when = { "type", "tcp", "http", "https", "grpc", "agent", "udp", "dns", "icmp" },
    show = "the backend's",
    text = "Another address to check: a name, an IP address, or `unix:/path`." },
  { "port", "integer", min = 1, max = 65535,
    when = { "type", "tcp", "http", "https", "grpc", "agent", "udp", "dns" },
    show = "the backend's", text = "Another port to check." },
  { "send_proxy", "integer", min = 1, max = 2, also = { false },
    when = { "type", "tcp", "http", "https", "grpc", "agent" },
    show = "the backend's, unless another address or port is checked",
    text = "The check begins with a PROXY protocol header of this version, which names no "
      .. "client." },
  { "tls", "boolean", when = { "type", "tcp", "grpc", "agent" },
    show = "true for `tls://` and `https://` backends",
    text = "The check begins with a TLS handshake, as the pool's `tls` says." },
  { "send", "bytes", max = 4096, when = { "type", "tcp", "agent", "udp" },
    text = "Bytes to send once connected, or in the datagram: `\"PING\\r\\n\"`." },
  { "expect", "matcher", max = 1023, when = { "type", "tcp", "udp" },
    text = "What the first 4 KiB of the answer must contain: a text, or `{ pattern = \"^220 \" }` "
      .. "(docs/health.md)." },
  { "query", "name", default = ".", max = 253, when = { "type", "dns" },
    text = "The name that a check of type `\"dns\"` asks for." },
  { "record", "choice", default = "NS", values = { "A", "AAAA", "NS", "SOA", "TXT" },
    when = { "type", "dns" }, text = "Which of its records." },
  { "service", "name", default = "", max = 255, also = { "" }, when = { "type", "grpc" },
    text = "The gRPC service that is asked about: `\"shop.Cart\"`; `\"\"`: the whole server." },
  { "method", "token", default = "GET", max = 31, when = { "type", "http", "https" },
    text = "The method of the request." },
  { "path", "target", default = "/", max = 1023, when = { "type", "http", "https" },
    text = "Its path, with a query if need be; it comes after the backend's base path." },
  { "host", "name", max = 127, when = { "type", "http", "https", "grpc" },
    show = "the backend's host and port",
    text = "Its `Host`." },
  { "headers", "headers", default = {}, max = 32, when = { "type", "http", "https" },
    text = "Further header fields of the request: `{ authorization = \"Basic …\" }`." },
  { "status", "statuses", default = "200-399", when = { "type", "http", "https" },
    text = "The statuses that are good: `204`, `\"200-399\"`, `\"200,204,300-399\"`, or a list." },
  { "expect_headers", "header_matchers", default = {}, max = 32, when = { "type", "http", "https" },
    text = "Header fields that the answer must have: `true`, or what the field's value must "
      .. "contain, as in `expect`." },
  { "body", "matcher", max = 1023, when = { "type", "http", "https" },
    text = "What the first 64 KiB of the answer's body must contain: a text, or "
      .. "`{ pattern = … }`." },
}

-- Keys of a backend's own `health`.
health.backend_health = {
  { "address", "target_host", max = 255, show = "the pool's",
    text = "Another address to check: a name, an IP address, or `unix:/path`." },
  { "port", "integer", min = 1, max = 65535, show = "the pool's",
    text = "Another port to check." },
}

health.slow_start = {
  { "time", "seconds", default = 30, max = MONTH, unit = "s",
    text = "Until the backend has its full share." },
  { "from", "share", default = 0.1, max = 1, text = "The share that it begins with." },
}

health.eject = {
  { "consecutive", "integer", default = 5, min = 1, max = 1000000, also = { false },
    text = "This many failures in a row, over all workers, eject a backend; a good answer begins "
      .. "the count anew." },
  { "error_rate", "share", default = false, max = 1, also = { false },
    text = "How much a backend's share of failures in one `interval` may exceed that of the pool's "
      .. "other backends: with 0.2, 25 % is too much if the others have 4 %." },
  { "interval", "seconds", default = 10, max = MONTH, unit = "s",
    text = "How often shares of failures are looked at." },
  { "min_requests", "integer", default = 20, min = 1, max = 1000000,
    text = "If a backend had fewer requests in an interval, or all the others together had, their "
      .. "shares are not compared." },
  { "status", "status_list", default = { 500, 502, 503, 504 }, max = 500,
    show = "`{ 500, 502, 503, 504 }`",
    text = "Statuses that count as failures, besides connections refused, timeouts, resets and "
      .. "invalid answers." },
  { "grpc_status", "grpc_status_list", default = { 2, 13, 14, 15 }, max = 16,
    show = "`{ 2, 13, 14, 15 }`",
    text = "Statuses of gRPC calls that count as failures: UNKNOWN, INTERNAL, UNAVAILABLE, "
      .. "DATA_LOSS (docs/grpc.md)." },
  { "time", "seconds", default = 30, max = MONTH, unit = "s",
    text = "How long the first ejection lasts; the second lasts twice as long, the third three "
      .. "times, …" },
  { "max_time", "seconds", default = 300, max = MONTH, unit = "s",
    text = "The longest that an ejection lasts." },
  { "max_share", "share", default = 0.5, max = 1,
    text = "The share of the pool's backends that may be ejected at once; 1: all but one." },
}

return health
