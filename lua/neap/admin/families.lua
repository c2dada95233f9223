-- Every metric, one row each: name, type, help, labels. docs/metrics.md is made from these rows,
-- and specs compare the answer of /metrics with them.
--
-- of: where its samples come from (see metrics.lua): "process", "service", "worker", "pool",
--     "backend", "hook", "domain", "store"
-- value: a function of what that gives

local families = {}

local function field(name)
  return function(row) return row[name] end
end

local function within(part, name)
  return function(row) return row[part][name] end
end

-- label of a map → a sample for each of its keys
local function each(name, label)
  return function(row) return row[name], label end
end

-- The same of a map in a part.
local function each_within(part, name, label)
  return function(row) return row[part][name], label end
end

families.rows = {
  { "neap_info", "gauge", "1; the version and the config's path as labels.", of = "process",
    labels = { "version", "config" } },
  { "neap_start_time_seconds", "gauge", "When neap was started, as Unix time.",
    of = "process", value = field "started" },
  { "neap_draining", "gauge", "1 once a graceful stop has begun.", of = "process",
    value = field "draining" },
  { "neap_generation", "gauge", "The number of the generation that serves, from 1.",
    of = "process", value = field "generation" },
  { "neap_reloads_total", "counter", "Reloads that were tried.", of = "process",
    value = field "reloads" },
  { "neap_reload_failures_total", "counter", "Reloads whose config was refused.",
    of = "process", value = field "failures" },
  { "neap_reload_successful", "gauge", "0 when the last reload failed.", of = "process",
    value = field "reload_ok" },
  { "neap_lua_memory_limit_bytes", "gauge",
    "`lua_memory`: what the Lua state of each process may use.", of = "process",
    value = field "lua_memory" },
  { "neap_agent_lua_memory_bytes", "gauge", "Memory of the agent's Lua state.", of = "process",
    value = field "lua_bytes" },

  { "neap_service_requests_total", "counter", "Requests that ended (tcp: connections).",
    of = "service", value = field "requests" },
  { "neap_service_responses_total", "counter",
    "Answers by class; none: the client got no status line; other: 600 to 999.", of = "service",
    value = each("answers", "class"), labels = { "class" } },
  { "neap_service_connections_total", "counter", "Client connections accepted.", of = "service",
    value = field "connections" },
  { "neap_service_sent_bytes_total", "counter", "Bytes of bodies sent to clients.",
    of = "service", value = field "bytes" },
  { "neap_service_retries_total", "counter", "Attempts beyond the first of a request.",
    of = "service", value = field "retries" },
  { "neap_service_failed_attempts_total", "counter",
    "Attempts on backends that failed, by kind: refused, timeout, reset, protocol, status (one of "
      .. "retry.status), tls (of a backend that cannot be trusted, or whose handshake failed).",
    of = "service", value = each("failed", "kind"), labels = { "kind" } },
  { "neap_service_aborted_total", "counter", "Requests whose client left first.", of = "service",
    value = field "aborted" },
  { "neap_service_broken_total", "counter",
    "Answers that broke off half way, and requests cut by timeouts.drain.", of = "service",
    value = field "broken" },
  { "neap_service_refused_total", "counter",
    "Requests that neap answered itself, and connections turned away, by reason.",
    of = "service", value = each("refused", "reason"), labels = { "reason" } },
  { "neap_service_dropped_datagrams_total", "counter",
    "Datagrams of a udp service that went nowhere, by reason (docs/udp.md): sessions, "
      .. "source_datagrams and source_flows (limits of these names), proxy_header (none, or a bad "
      .. "one), loop, policy, waiting (too many while a hook or a slot was awaited), draining, "
      .. "too_long (for the path), busy (the system takes no more), unsent, memory.",
    of = "service", value = each("dropped", "reason"), labels = { "reason" } },
  { "neap_service_grpc_calls_total", "counter",
    "gRPC calls that ended, by status; none: the client got none. Absent before the first call.",
    of = "service", value = each("grpc", "status"), labels = { "status" } },
  { "neap_http2_abuse_total", "counter",
    "HTTP/2 connections that were ended because their client did too much of something within "
      .. "a second, by reason: resets (of its streams), made_resets (what made neap reset them), "
      .. "fields (a head that goes on without end, or that decodes to far too much), pings, "
      .. "settings, empty_frames, priority, window_updates.",
    of = "service", value = each("h2_abuse", "reason"), labels = { "reason" } },
  { "neap_tls_handshakes_total", "counter",
    "TLS handshakes of clients: full, resumed (of a session before), failed.",
    of = "service", value = each("handshakes", "result"), labels = { "result" } },
  { "neap_tls_handshake_failures_total", "counter",
    "TLS handshakes that failed, by reason: timeout (longer than timeouts.handshake), left (the "
      .. "client ended it), shed (too many were under way), plain (HTTP in the clear), no_tls, "
      .. "version, cipher, alpn, name (nothing in common), certificate (the client's does not "
      .. "verify, or it has none), rejected (the client does not accept ours), alert (the client "
      .. "gave up for another reason), cut, record (forged or damaged), memory, other.",
    of = "service", value = each("handshake_failures", "reason"), labels = { "reason" } },
  { "neap_tls_errors_total", "counter",
    "TLS connections of clients that broke after the handshake, by reason: cut (ended without "
      .. "close_notify while something was under way), left (reset), record (forged or "
      .. "damaged), alert (the client gave up), no_tls (against the rules), memory, other.",
    of = "service", value = each("tls_errors", "reason"), labels = { "reason" } },
  { "neap_service_duration_seconds", "histogram",
    "From a request's first byte to the end of its answer.", of = "service",
    value = field "total" },

  { "neap_policy_calls_total", "counter",
    "Entries into the policy: decide is request, backends and pick together.", of = "service",
    value = each("calls", "entry"), labels = { "entry" } },
  { "neap_policy_seconds_total", "counter",
    "Time in the policy, estimated from each 64th entry.", of = "service",
    value = each("seconds", "entry"), labels = { "entry" } },
  { "neap_hook_calls_total", "counter",
    "Calls of a hook, a pool's own included; for pick and failed, the default policy's, too.",
    of = "hook", value = field "calls", labels = { "hook" } },
  { "neap_hook_seconds_total", "counter",
    "Time in a hook without its waits, estimated in workers from each 64th entry.", of = "hook",
    value = field "seconds", labels = { "hook" } },
  { "neap_hook_errors_total", "counter", "Errors of a hook.", of = "hook",
    value = field "errors", labels = { "hook" } },
  { "neap_hook_killed_total", "counter", "Workers replaced because they were stuck in this hook.",
    of = "hook", value = field "killed", labels = { "hook" } },
  { "neap_hook_tripped", "gauge", "1 while a hook that keeps failing is left out.", of = "hook",
    value = field "tripped", labels = { "hook" } },

  { "neap_pool_backends", "gauge", "Backends by state.", of = "pool",
    value = each("states", "state"), labels = { "state" } },
  { "neap_pool_panics", "gauge", "1 while too few of its backends are up and all are used.",
    of = "pool", value = field "panics" },
  { "neap_pool_queue_waiting", "gauge", "Requests that wait for a free slot.", of = "pool",
    value = within("queue", "waiting") },
  { "neap_pool_queue_queued_total", "counter", "Requests that had to wait for a free slot.",
    of = "pool", value = within("queue", "queued") },
  { "neap_pool_queue_timed_out_total", "counter",
    "Requests that waited for a slot until queue.timeout.", of = "pool",
    value = within("queue", "timed_out") },
  { "neap_pool_queue_left_total", "counter",
    "Requests that ended while they waited: the client left, or no backend was up.",
    of = "pool", value = within("queue", "left") },
  { "neap_pool_queue_refused_total", "counter", "Requests that found the queue full.",
    of = "pool", value = within("queue", "refused") },
  { "neap_pool_queue_waited_seconds_total", "counter", "Time in the queue, all requests together.",
    of = "pool", value = within("queue", "waited") },
  { "neap_pool_budget_retries_total", "counter", "Retries charged to the retry budget.",
    of = "pool", value = within("budget", "spent") },
  { "neap_pool_budget_refused_total", "counter", "Retries that the budget did not allow.",
    of = "pool", value = within("budget", "refused") },
  { "neap_shadow_requests_total", "counter", "Requests that the pool's shadow was asked about.",
    of = "pool", value = within("shadow", "asked") },
  { "neap_shadow_agreed_total", "counter", "Requests that the shadow would have sent the same way.",
    of = "pool", value = within("shadow", "agreed") },
  { "neap_shadow_none_total", "counter", "Requests that the shadow had no backend for.",
    of = "pool", value = within("shadow", "none") },
  { "neap_shadow_errors_total", "counter", "Requests about which the shadow failed.",
    of = "pool", value = within("shadow", "errors") },
  { "neap_shadow_seconds_total", "counter", "Time in the shadow.", of = "pool",
    value = within("shadow", "seconds") },
  { "neap_mirror_requests_total", "counter", "Copies that were made for the pool's mirror.",
    of = "pool", value = within("mirror", "sent") },
  { "neap_mirror_answers_total", "counter", "Copies that got a whole answer.", of = "pool",
    value = within("mirror", "answered") },
  { "neap_mirror_failures_total", "counter", "Copies that got no whole answer.", of = "pool",
    value = within("mirror", "failed") },
  { "neap_mirror_skipped_total", "counter",
    "Requests that the mirror got no copy of: their body was not kept (body), or too many copies "
      .. "are under way (full).",
    of = "pool", value = each_within("mirror", "skipped", "why"), labels = { "why" } },
  { "neap_hedge_requests_total", "counter", "Requests that went to a second backend, too.",
    of = "pool", value = within("hedge", "sent") },
  { "neap_hedge_wins_total", "counter", "Those that the second backend answered first.",
    of = "pool", value = within("hedge", "won") },
  { "neap_hedge_refused_total", "counter", "Slow requests for which hedge.share left no other one.",
    of = "pool", value = within("hedge", "refused") },
  { "neap_pool_inflight", "gauge", "Requests under way.", of = "pool", value = field "inflight" },
  { "neap_pool_attempts_total", "counter",
    "Attempts that were begun, all present backends together.", of = "pool",
    value = field "requests" },
  { "neap_pool_failures_total", "counter",
    "Attempts that failed, also by a status in retry.status, all present backends together.",
    of = "pool", value = field "failures" },
  { "neap_pool_responses_total", "counter",
    "Answers of all present backends by class; other: 101, and 600 to 999. A connection of tcp "
      .. "and a flow of udp that is answered is 2xx.",
    of = "pool", value = each("answers", "class"), labels = { "class" } },
  { "neap_pool_first_byte_seconds", "histogram",
    "From a connection to the first byte of the answer, all present backends together.",
    of = "pool", value = field "first_byte" },

  { "neap_backend_up", "gauge", "1 when it may get requests: up, or not checked yet.",
    of = "backend", value = field "up" },
  { "neap_backend_state", "gauge", "1 for the state that it is in.", of = "backend",
    value = each("states", "state"), labels = { "state" } },
  { "neap_backend_state_since_seconds", "gauge", "When its state began.", of = "backend",
    value = field "since" },
  { "neap_backend_weight", "gauge", "The weight in force.", of = "backend",
    value = field "weight" },
  { "neap_backend_inflight", "gauge", "Requests under way.", of = "backend",
    value = field "inflight" },
  { "neap_backend_http2_connections", "gauge", "Connections of HTTP/2 that stand.",
    of = "backend", value = field "http2_connections" },
  { "neap_backend_http2_streams", "gauge", "Streams that are open on them.", of = "backend",
    value = field "http2_streams" },
  { "neap_backend_attempts_total", "counter", "Attempts that were begun.", of = "backend",
    value = field "requests" },
  { "neap_backend_failures_total", "counter",
    "Attempts that failed, also by a status in retry.status.", of = "backend",
    value = field "failures" },
  { "neap_backend_responses_total", "counter",
    "Its answers by class, those included after which another backend was tried.",
    of = "backend", value = each("answers", "class"), labels = { "class" } },
  { "neap_backend_suspect_failures", "gauge",
    "Requests that failed after connecting, in a row, with no good answer since; 0: none.",
    of = "backend", value = field "suspicion" },
  { "neap_shadow_picks_total", "counter",
    "Requests that the pool's shadow was asked about: those that went there (real), and those "
      .. "that would have (shadow).",
    of = "backend", value = each("picks", "by"), labels = { "by" } },
  { "neap_backend_latency_seconds", "gauge", "Moving average to the first byte.", of = "backend",
    value = field "latency" },
  { "neap_backend_first_byte_seconds", "histogram",
    "From a connection to the first byte of the answer.", of = "backend",
    value = field "first_byte" },

  { "neap_acme_valid_until_seconds", "gauge",
    "When the certificate of the domain ends, as Unix time; absent: there is none yet.",
    of = "domain", value = field "valid_until" },
  { "neap_acme_failing", "gauge", "1 while the last try to get its certificate failed.",
    of = "domain", value = field "failing" },
  { "neap_tls_certificate_not_after_timestamp_seconds", "gauge",
    "When a certificate of a service expires; the name is the first that it is for.",
    of = "certificate", value = field "not_after" },

  { "neap_shared_entries", "gauge",
    "Entries of a shared store, those included that have expired and were not met since.",
    of = "store", value = field "entries" },
  { "neap_shared_used_bytes", "gauge", "Memory of a shared store that is in use.",
    of = "store", value = field "used" },
  { "neap_shared_size_bytes", "gauge", "`bytes` of a shared store.",
    of = "store", value = field "bytes" },
  { "neap_shared_evicted_total", "counter",
    "Entries that were pushed out because a shared store was full.",
    of = "store", value = field "evicted" },
  { "neap_shared_expired_total", "counter", "Entries whose time to live was over.",
    of = "store", value = field "expired" },
  { "neap_shared_hits_total", "counter", "Reads (`get`) of a shared store that found a value.",
    of = "store", value = field "hits" },
  { "neap_shared_misses_total", "counter", "Reads (`get`) of a shared store that found none.",
    of = "store", value = field "misses" },

  { "neap_worker_up", "gauge", "1 while a process has this slot.", of = "worker",
    value = field "up" },
  { "neap_worker_starts_total", "counter", "Processes that had this slot so far.", of = "worker",
    value = field "starts" },
  { "neap_worker_connections", "gauge", "Client connections open.", of = "worker",
    value = field "connections" },
  { "neap_worker_light_tls_connections", "gauge",
    "TLS connections, of clients and to backends, that do without OpenSSL's object since their "
      .. "handshake.", of = "worker", value = field "light_tls" },
  { "neap_worker_requests_total", "counter", "Requests that ended.", of = "worker",
    value = field "requests" },
  { "neap_worker_bad_requests_total", "counter", "Requests refused as malformed or too large.",
    of = "worker", value = field "bad_requests" },
  { "neap_worker_hook_errors_total", "counter", "Errors of hooks.", of = "worker",
    value = field "hook_errors" },
  { "neap_worker_lua_memory_bytes", "gauge", "Memory of its Lua state.", of = "worker",
    value = field "lua_bytes" },
  { "neap_worker_loop_lag_seconds", "gauge",
    "How late its event loop was in the last seconds, at worst.", of = "worker",
    value = field "lag" },
}

-- The labels that name what a sample belongs to.
families.identity = {
  process = {}, service = { "service" }, hook = { "service" }, worker = { "worker" },
  pool = { "pool" }, backend = { "pool", "backend" }, domain = { "service", "domain" },
  certificate = { "service", "name", "file" }, store = { "store" },
}

return families
