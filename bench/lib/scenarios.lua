-- What is measured, in the order of the report. A row: name, title, what it does in words, kind
-- (how it is run, see run.lua), options of the load generator, path, who takes part, and the goal.
--   base    the labels whose better one is the 1.00 of the ratios
--   per     "request" (µs of CPU per request) or "gb" (ms of CPU for 1 GB of bodies)

local BOTH = { "nginx", "haproxy" }

local function three(options)
  local list = {}
  for _, kind in ipairs { "nginx", "haproxy", "neap" } do
    local o = { kind = kind, label = kind }
    for key, value in pairs(options or {}) do o[key] = value end
    table.insert(list, o)
  end
  return list
end

-- Each with a limit, and neap without one.
local function limited()
  local list = three { limited = true }
  list[3].policy = 'require "neap.policy.rate_limit" { rate = 1e6, burst = 1e6 }'
  table.insert(list, { kind = "neap", label = "neap, no limit" })
  return list
end

-- HTTP/2 to clients and to backends: who of the peers does that.
local function both_sides(kinds, backends)
  local list = {}
  for _, kind in ipairs(kinds) do
    table.insert(list, {
      kind = kind, label = kind, h2 = true, h2_back = backends, grpc = kind == "nginx",
    })
  end
  return list
end

local GRPC = { "content-type: application/grpc", "te: trailers" }

-- Questions of DNS by so many clients: nginx's stream module against neap.
local function questions(clients, name)
  return {
    name = name, title = ("UDP: small questions, clients: %d"):format(clients), base = { "nginx" },
    text = "Datagrams of 33 bytes, answers of 49, each client with one under way, 2 backends; "
      .. "nginx's stream module with proxy_responses 1, neap with responses = 1.",
    udp = { clients = clients }, goal = "0.80",
    who = {
      { kind = "nginx", label = "nginx", udp = 2 },
      { kind = "neap", label = "neap", udp = 2 },
    },
  }
end

local scenarios = {
  {
    name = "small", title = "Small requests",
    text = "GET, 128 bytes of body, 64 keep-alive connections, round robin over 4 backends; neap's "
      .. "round robin is its default Lua policy.",
    load = { "-x", "128" }, path = "/128", who = three(), goal = "0.80",
  },
  {
    name = "bare", title = "Small requests, peers without forwarding fields",
    text = "As small, but nginx and HAProxy set no X-Forwarded fields; neap does as always.",
    load = { "-x", "128" }, path = "/128", who = three { bare = true },
  },
  {
    name = "scripted", title = "Small requests, the server chosen by Lua everywhere",
    text = "As small; nginx chooses by balancer_by_lua, HAProxy by a Lua action.",
    load = { "-x", "128" }, path = "/128", who = three { scripted = true }, goal = "0.60",
  },
  {
    name = "ratelimit", title = "Small requests, each client's rate limited",
    text = "As small, with a limit by the client's address that lets all of them pass: nginx's "
      .. "limit_req, a stick-table with http_req_rate in HAProxy, the policy rate_limit in neap.",
    load = { "-x", "128" }, path = "/128", who = limited(), goal = "0.80",
  },
  {
    name = "close", title = "A client connection for each request",
    text = "As small, but each client connection is closed after its answer; connections to "
      .. "backends are kept.",
    load = { "-x", "128", "-k" }, path = "/128", who = three(), goal = "0.85",
  },
  {
    name = "nokeep", title = "Both connections new for each request",
    text = "As close, and no connection to a backend is kept either.",
    load = { "-x", "128", "-k" }, path = "/128", who = three { nokeep = true }, goal = "0.95",
  },
  {
    name = "post", title = "POST of 16 KiB",
    text = "A body of 16 KiB with Content-Length, an answer of 128 bytes.",
    load = { "-x", "128", "-b", "16384" }, path = "/128", who = three(), goal = "0.80",
  },
  {
    name = "bodyroute", title = "The pool chosen by JSON in a body of 4 KiB", base = { "nginx" },
    text = "POST, 4 KiB of JSON; nginx reads the body in Lua, neap in the hook `backends`. Both "
      .. "decode it (cjson) and choose one of two pools by a member.",
    load = { "-x", "128", "-b", "4096", "-j" }, path = "/128",
    who = {
      { kind = "nginx", label = "nginx", body_route = true },
      { kind = "neap", label = "neap", body_route = true },
    },
    goal = "0.75",
  },
  {
    name = "kb16", title = "Answers of 16 KiB", per = "gb",
    text = "GET, a body of 16 KiB with Content-Length.",
    load = { "-x", "16384" }, path = "/16k", who = three(), goal = "0.95",
  },
  {
    name = "chunked", title = "Chunked answers of 16 KiB", per = "gb",
    text = "GET, a body of four chunks of 4 KiB.",
    load = { "-x", "16384" }, path = "/16kc", who = three(), goal = "0.95",
  },
  {
    name = "mb1", title = "Answers of 1 MiB", per = "gb",
    text = "GET over 16 connections; the peers have the buffer sizes that suit them best.",
    load = { "-x", "1048576", "-c", "16" }, path = "/1m", who = three { large = true },
    goal = "0.60",
  },
  {
    name = "mb1up", title = "Uploads of 1 MiB", per = "gb",
    text = "POST over 16 connections; nginx passes bodies on as they come.",
    load = { "-x", "128", "-b", "1048576", "-c", "16" }, path = "/128",
    who = three { large = true }, goal = "0.60",
  },
  {
    name = "mb64", title = "Answers of 64 MiB", per = "gb",
    text = "GET over 4 connections.",
    load = { "-x", "67108864", "-c", "4" }, path = "/64m", who = three { large = true },
    goal = "0.60",
  },
  {
    name = "mb64file", title = "Answers of 64 MiB from the page cache", per = "gb",
    text = "As mb64, but the backend uses sendfile: the pages are 4 KiB each, which makes splicing "
      .. "dearer and copying no cheaper.",
    load = { "-x", "67108864", "-c", "4" }, path = "/64mf", who = three { large = true },
  },
  {
    name = "mb64up", title = "Uploads of 64 MiB", per = "gb",
    text = "POST over 4 connections.",
    load = { "-x", "128", "-b", "67108864", "-c", "4" }, path = "/128",
    who = three { large = true }, goal = "0.60",
  },
  {
    name = "pipeline", title = "Pipelined requests, 16 deep",
    text = "As small, with 16 requests under way on each connection.",
    load = { "-x", "128", "-d", "16" }, path = "/128", who = three(), goal = "0.80",
  },
  {
    name = "tcp", title = "TCP: a connection for each request",
    text = "As nokeep, but the balancers pass connections on as they are (HAProxy's mode tcp, "
      .. "nginx's stream module): the cost of a connection.",
    load = { "-x", "128", "-k" }, path = "/128", who = three { tcp = true }, goal = "1.00",
  },
  {
    name = "tcpsmall", title = "TCP: small messages",
    text = "As small, over 64 connections that the balancers pass on as they are.",
    load = { "-x", "128" }, path = "/128", who = three { tcp = true }, goal = "1.00",
  },
  {
    name = "tcp64", title = "TCP: 64 MiB at a time", per = "gb",
    text = "As mb64, over 4 connections that the balancers pass on as they are (HAProxy with "
      .. "splice-auto, nginx with buffers of 64 KiB).",
    load = { "-x", "67108864", "-c", "4" }, path = "/64m", who = three { tcp = true },
    goal = "1.00",
  },
  questions(1, "udpdns1"),
  questions(16, "udpdns"),
  questions(100, "udpdns100"),
  {
    name = "tls", title = "TLS: small requests",
    text = "As small, over TLS 1.3 (AES-128-GCM, ECDSA P-256).",
    load = { "-t", "-x", "128" }, path = "/128", who = three { tls = true }, goal = "0.80",
  },
  {
    name = "tlsnew", title = "TLS: a full handshake for each request",
    text = "As close, over TLS 1.3; no session is resumed.",
    load = { "-t", "-x", "128", "-k" }, path = "/128", who = three { tls = true }, goal = "0.95",
  },
  {
    name = "tlsresume", title = "TLS: a resumed handshake for each request",
    text = "As tlsnew, with a ticket of an earlier connection each time.",
    load = { "-T", "-x", "128", "-k" }, path = "/128", who = three { tls = true }, goal = "0.90",
  },
  {
    name = "tlsmb1", title = "TLS: answers of 1 MiB", per = "gb",
    text = "As mb1, over TLS 1.3.",
    load = { "-t", "-x", "1048576", "-c", "16" }, path = "/1m",
    who = three { tls = true, large = true }, goal = "0.85",
  },
  {
    name = "tlsback", title = "TLS to the backends",
    text = "As small: clients speak plain HTTP, kept connections to the backends are TLS 1.3. "
      .. "Nobody verifies the backend's certificate.",
    load = { "-x", "128" }, path = "/128", who = three { tls_back = true }, goal = "0.80",
  },
  {
    name = "h2", title = "HTTP/2 over TLS",
    text = "GET, 128 bytes of body, 16 connections with 16 streams each (h2load), TLS 1.3, "
      .. "HTTP/1.1 to 4 backends.",
    h2 = { connections = 16, streams = 16 }, path = "/128", who = three { tls = true, h2 = true },
    goal = "0.90",
  },
  {
    name = "h2c", title = "HTTP/2 in the clear", text = "As h2, without TLS.",
    h2 = { connections = 16, streams = 16 }, path = "/128", who = three { h2 = true },
    goal = "0.90",
  },
  {
    name = "h2h2", title = "HTTP/2 on both sides", base = { "haproxy", "nghttpx" },
    text = "As h2c, and HTTP/2 in the clear to 4 backends (nghttpd) too.",
    h2 = { connections = 16, streams = 16 }, path = "/128",
    who = both_sides({ "haproxy", "nghttpx", "neap" }, 4), goal = "0.85",
  },
  {
    name = "grpc", title = "gRPC: unary calls",
    text = "POST with a message of 100 bytes, one of 100 bytes back and trailers, 64 at a time "
      .. "over 8 connections, three servers (nghttpd in the place of gRPC's, for its speed).",
    h2 = { connections = 8, streams = 8, headers = GRPC, message = 100 },
    path = "/call.grpc", who = both_sides({ "nginx", "haproxy", "neap" }, 3), goal = "0.85",
  },
  {
    name = "h2mb1", title = "HTTP/2: answers of 1 MiB", per = "gb",
    text = "GET over TLS, one connection with 16 streams.",
    h2 = { connections = 1, streams = 16, probe = 200 }, path = "/1m",
    who = three { tls = true, h2 = true, large = true }, goal = "1.00",
  },
  {
    name = "policy", title = "The cost of the policy", base = { "no hook" }, neap_only = true,
    text = "neap alone, as small: what each policy adds to a request for which no hook runs "
      .. "(the 1,000 backends are addresses of one backend process).",
    load = { "-x", "128" }, path = "/128",
    who = {
      { kind = "neap", label = "no hook", policy = "{}" },
      { kind = "neap", label = "round robin", policy = '"round_robin"' },
      { kind = "neap", label = "round robin, 1,000", policy = '"round_robin"', many = 1000 },
      { kind = "neap", label = "least connections, 1,000", policy = '"least_connections"',
        many = 1000, optional = true },
      { kind = "neap", label = "hash of a cookie", policy = '"cookie"', optional = true },
    },
  },
  {
    name = "many1k", title = "A pool of 1,000 backends",
    text = "As small, round robin over 1,000 backends.",
    load = { "-x", "128" }, path = "/128", who = three { many = 1000 },
  },
  {
    name = "many10k", title = "A pool of 10,000 backends",
    text = "As small, round robin over 10,000 backends.",
    load = { "-x", "128" }, path = "/128", who = three { many = 10000 },
  },
  {
    name = "workers", title = "One worker and two", base = { "1 worker" }, neap_only = true,
    text = "neap alone, as small, on one CPU: what a second worker costs a request.",
    load = { "-x", "128" }, path = "/128",
    who = {
      { kind = "neap", label = "1 worker", workers = 1 },
      { kind = "neap", label = "2 workers", workers = 2 },
    },
  },
  {
    name = "workers2", title = "Two workers on two CPUs", base = { "1 worker" }, neap_only = true,
    text = "neap alone, as small, at a fixed 20,000 requests/s: what it costs that two workers at "
      .. "once write the same lines of the board. The second CPU is load generator's and "
      .. "backend's too.",
    load = { "-x", "128", "-r", "20000" }, path = "/128",
    who = {
      { kind = "neap", label = "1 worker", workers = 1 },
      { kind = "neap", label = "2 workers, one CPU", workers = 2 },
      { kind = "neap", label = "2 workers, two CPUs", workers = 2, cpu = "0,1", spread = true },
    },
  },
  {
    name = "idle", kind = "idle", title = "Idle connections",
    text = "9,500 keep-alive connections (a limit of 20,000 files allows no more) that had one "
      .. "request each: memory of all processes of the balancer for each of them, without the "
      .. "kernel's. Goal: 300 bytes.",
    connections = 9500, path = "/128", who = three(),
  },
  {
    name = "latency", kind = "latency", title = "Latency at a fixed rate",
    text = "Open loop over 64 connections, at 30 % and 70 % of what the slower peer reached in a "
      .. "closed loop; requests are due at random times that are the same for all, and their "
      .. "latency counts from when they were due.",
    load = { "-x", "128" }, path = "/128", who = three(), goal = "1.00",
  },
  {
    name = "idletls", kind = "idle", title = "Idle TLS connections",
    text = "As idle, over 2,000 TLS connections. Goal: 0.75 of nginx.",
    load = { "-t" }, connections = 2000, path = "/128", who = three { tls = true },
  },
  {
    name = "idleh2", kind = "idle", title = "Idle HTTP/2 connections over TLS",
    text = "As idletls, over HTTP/2.", h2 = {}, connections = 2000, path = "/128",
    who = three { tls = true, h2 = true }, goal = "1.00",
  },
  {
    name = "idleh2c", kind = "idle", title = "Idle HTTP/2 connections in the clear",
    text = "As idleh2, without TLS.", h2 = {}, connections = 2000, path = "/128",
    who = three { h2 = true }, goal = "1.00",
  },
  {
    name = "tlslatency", kind = "latency", title = "TLS: latency at a fixed rate",
    text = "As latency, over TLS.",
    load = { "-t", "-x", "128" }, path = "/128", who = three { tls = true }, goal = "1.00",
  },
  {
    name = "udpflows", kind = "idle", title = "Flows of UDP", base = { "neap" }, neap_only = true,
    text = "100,000 clients that asked once, 20 backends: memory of all processes for each flow, "
      .. "without the kernel's. It opens a socket for each 20 flows. (nginx opens one for each: "
      .. "more than the limit of 20,000 files.) Goal: 400 bytes with the kernel's.",
    udp = {}, connections = 100000,
    who = { { kind = "neap", label = "neap", udp = 20, flows = 100000 } },
  },
  {
    name = "syscalls", kind = "syscalls", title = "System calls per request",
    text = "strace -c over 20,000 requests.",
    requests = 20000, who = three(),
    cases = {
      { label = "small", load = { "-x", "128" }, path = "/128" },
      { label = "close", load = { "-x", "128", "-k" }, path = "/128" },
      { label = "post", load = { "-x", "128", "-b", "16384" }, path = "/128" },
      { label = "kb16", load = { "-x", "16384" }, path = "/16k" },
      { label = "chunked", load = { "-x", "16384" }, path = "/16kc" },
      { label = "mb1", load = { "-x", "1048576", "-c", "16" }, path = "/1m", requests = 1000 },
      { label = "pipeline", load = { "-x", "128", "-d", "16" }, path = "/128" },
    },
  },
  {
    name = "tcpcalls", kind = "syscalls", title = "TCP: system calls per connection",
    text = "strace -c over 20,000 requests, the balancers passing connections on as they are.",
    requests = 20000, who = three { tcp = true },
    cases = {
      { label = "tcp", load = { "-x", "128", "-k" }, path = "/128" },
      { label = "tcpsmall", load = { "-x", "128" }, path = "/128" },
    },
  },
  {
    name = "udpcalls", kind = "syscalls", title = "UDP: system calls per question",
    text = "strace -c over 20,000 questions.",
    requests = 20000, who = questions(1).who,
    cases = {
      { label = "1 client", udp = { clients = 1 } },
      { label = "16 clients", udp = { clients = 16 } },
      { label = "100 clients", udp = { clients = 100 } },
    },
  },
}

for _, scenario in ipairs(scenarios) do
  scenario.kind = scenario.kind or "load"
  scenario.base = scenario.base or BOTH
  scenario.per = scenario.per or "request"
end

return scenarios
