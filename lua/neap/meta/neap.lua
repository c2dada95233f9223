---@meta neap

--- What `require "neap"` gives. Functions marked "may wait" delay no other request; they work in
--- the hooks that may wait, and end with the hook's deadline (5 s, or what is left of
--- `timeouts.request`).
---@class neap
local neap = {}

--- The pool of that name, as it is now: the backends that may serve. The `backends` hook may return
--- it; any hook may look at it. A name that the config does not have is an error.
---@param name string
---@return neap.pool
function neap.pool(name) end

--- An answer for the `request` hook to return. One that never changes may be made once, at the top
--- of the file.
---@param answer neap.reply  `{ status = 200, headers = { Vary = "Cookie" }, body = "…" }`
---@return neap.reply
function neap.reply(answer) end

--- A certificate for the `certificate` hook to return. neap reads each pair of texts once and keeps
--- the 1,000 that were used last. Raises an error when they are no certificate and its key.
---@param certificate neap.certificate
---@return neap.certificate
function neap.certificate(certificate) end

--- The time: seconds since 1970, with fractions. It stands still while a hook runs.
---@return number
function neap.now() end

--- A random number, from 0 to below 1; with n, a whole number from 1 to n.
---@param n integer|nil
---@return number
function neap.random(n) end

--- A hash of a text: a whole number from 0 to below 2^32. Not for secrets.
---@param text string
---@param seed integer|nil
---@return integer
function neap.hash(text, seed) end

--- HMAC-SHA-256, as hexadecimal digits.
---@param key string
---@param text string
---@return string
function neap.hmac(key, text) end

--- A secret of this balancer, for `neap.hmac`: 64 hexadecimal digits, made at start, the same in
--- all processes and over restarts of workers. After a stop, the next start makes another one.
---@return string
function neap.secret() end

--- The store of that name (`shared` in the config), the same for all processes. It may be asked for
--- at the top of a file, and used in hooks. A name that the config does not have is an error.
---@param name string
---@return neap.shared
function neap.shared(name) end

--- A limit on how often something may happen, counted over all workers (docs/limits.md):
--- `neap.limit { rate = 10, per = 1, burst = 20, store = "clients" }`. It is made at the top of a
--- file, and used in hooks. A wrong option is an error.
---@param options table  `rate`: how many per `per` seconds (1), on average; `burst`: at once
---  (`rate`); `store`: of `shared` (`"limits"`, which neap makes itself when the config makes such
---  a limit); `name`: limits of one name in one store are one limit (made of the numbers)
---@return neap.limit.object
function neap.limit(options) end

--- A limit on how many requests are somewhere at once, counted over all workers (docs/limits.md):
--- `neap.concurrency { limit = 100, store = "clients" }`. It is made at the top of a file, and used
--- in hooks. A wrong option is an error.
---@param options table  `limit`: how many at once; `store`: of `shared` (`"limits"`, as of
---  `neap.limit`); `name`: those of one name in one store are one (made of the number)
---@return neap.concurrency.object
function neap.concurrency(options) end

--- Lets time pass. May wait.
---@param seconds number
function neap.sleep(seconds) end

--- The log of the process. `print` writes a line at level info.
---@class neap.log
neap.log = {}

--- Writes a line at level debug.
---@param format string  as of `string.format`
---@param ... any
function neap.log.debug(format, ...) end

--- Writes a line at level info.
---@param format string  as of `string.format`
---@param ... any
function neap.log.info(format, ...) end

--- Writes a line at level warn.
---@param format string  as of `string.format`
---@param ... any
function neap.log.warn(format, ...) end

--- Writes a line at level error.
---@param format string  as of `string.format`
---@param ... any
function neap.log.error(format, ...) end

--- Figures of your own, shared by all workers: in `/metrics` and `/status` of the admin side.
---@class neap.metric
neap.metric = {}

--- A figure that only grows.
---@param name string
---@param help string
---@return neap.counter
function neap.metric.counter(name, help) end

--- A figure that goes up and down: one value for all processes. `set` replaces the value, whichever
--- process calls it, and `add` adds to it; nothing is summed up. For a figure of each worker, use a
--- name for each.
---@param name string
---@param help string
---@return neap.gauge
function neap.metric.gauge(name, help) end

--- JSON. Numbers keep all of their digits.
---@class neap.json
---@field null userdata  JSON's `null`, which `decode` gives and `encode` takes. It counts as true:
--- compare with `value == neap.json.null`.
neap.json = {}

--- The text of a value.
---@param value any
---@return string|nil text  nil when it cannot be one
---@return string|nil reason
function neap.json.encode(value) end

--- The value of a text.
---@param text string
---@return any value  nil when the text is not JSON
---@return string|nil reason
function neap.json.decode(text) end

--- Ready checks, to use as a policy's `check`.
---@class neap.check
neap.check = {}

--- Checks that it accepts a connection, and says what is expected.
---@param options table|nil  of `health`: `timeout`, `address`, `port`, `send_proxy`, `send` …
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.tcp(options) end

--- Checks that it gives a good answer to a request.
---@param options table|nil  of `health`: `timeout`, `address`, `port`, `send_proxy`, `path` …
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.http(options) end

--- Checks that it says of itself that it serves (grpc.health.v1).
---@param options table|nil  of `health`: `service`, `tls`, `host`, `timeout`, `address`, `port`,
--- `send_proxy`
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.grpc(options) end

--- Asks a program beside it, as HAProxy's agent-check does: `up`, `75%`, `drain`, `down #why`
--- (docs/health.md).
---@param options table|nil  of `health`: `port`, `timeout`, `address`, `send`, `tls`, `send_proxy`
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.agent(options) end

--- Checks that its host answers a ping.
---@param options table|nil  of `health`: `timeout`, `address`
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.icmp(options) end

--- Checks that it takes a datagram: ICMP does not say that nobody is there. With `expect`, that it
--- answers so.
---@param options table|nil  of `health`: `timeout`, `address`, `port`, `send`, `expect`
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.udp(options) end

--- Checks that it answers a DNS query.
---@param options table|nil  of `health`: `timeout`, `address`, `port`, `query`, `record`
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.dns(options) end

--- Ready keys of flows of datagrams, to use as a policy's `key` (docs/udp.md). In a worker C reads
--- them by itself.
---@class neap.key
neap.key = {}

--- The connection id of QUIC: whoever sends it is the flow's client. The ids that a backend chooses
--- are learnt from its first answers.
---@param options table|nil  `length`: of the ids that backends choose, when it is known; else what
--- their answers have
---@return fun(datagram: neap.datagram): string|nil
function neap.key.quic(options) end

--- The name that a client asks DNS for, in lower case; each client has its own.
---@param options table|nil  none yet
---@return fun(datagram: neap.datagram): string|nil, "client"
function neap.key.dns(options) end

--- The Call-ID of SIP.
---@param options table|nil  `of`: `"any"` (the default: whoever sends it is the flow's client), or
--- `"client"`
---@return fun(datagram: neap.datagram): string|nil, "client"|nil
function neap.key.sip(options) end

--- Requests to others, from hooks, over connections that are kept for the next request to the same
--- server on the same terms: for 15 s, 256 of a process at most. What may not be sent twice (POST,
--- PATCH) uses only one that was in use within the last second. Redirects are not followed.
---@class neap.http
neap.http = {}

--- Gets a page. May wait.
---@param url string
---@param options neap.http.options|nil
---@return neap.http.answer|nil answer  nil when there is none
---@return string|nil reason
function neap.http.get(url, options) end

--- Sends a request. May wait.
---@param request neap.http.options  with `url`
---@return neap.http.answer|nil answer  nil when there is none
---@return string|nil reason
function neap.http.request(request) end

--- Connections to others, from hooks.
---@class neap.tcp
neap.tcp = {}

--- Connects. May wait. Also `connect("host:port", timeout)` and `connect("unix:/path", timeout)`.
---@param host string
---@param port integer
---@param timeout number|nil  seconds, the lookup included; absent: as long as the hook may run
---@param options table|nil  `{ tls = true }`, or with a table as that of `neap.http`
---@return neap.socket|nil socket  nil when it failed
---@return string|nil reason  `"timeout"`, `"closed"`, …
function neap.tcp.connect(host, port, timeout, options) end

--- What many ask for at the same time is asked for once: `fn` runs in a task of its own, and all
--- who call with the same key meanwhile wait for it. A client that leaves does not end it. Its
--- value is remembered for `ttl` seconds by this worker, for 10,000 keys at most; one that is
--- remembered is given in any hook. The keys are those of all policies. Who gets a table must not
--- change it. May wait.
---
--- `fn` has no request: give it values, as locals. It returns a value, or nil and a reason, which
--- is not remembered unless `negative_ttl` says so. An error in it is logged, and the reason for
--- all.
---
--- With a `store`, what one worker asks is answered to all; keys there begin with `neap.once/`. An
--- answer stays 0.2 s at least, so that others see it. When the worker that asks dies, another one
--- asks within about a second. While the store cannot take anything, each worker asks for itself.
---@param key string  1024 bytes at most
---@param ttl number  seconds; 0: only those who wait get it
---@param fn fun(): any, string|nil  may wait
---@param options table|nil  `{ negative_ttl = 0, timeout = 5, store = "answers" }`: for how long a
--- failure is remembered; how long `fn` may take; a store of `neap.shared` through which all
--- workers ask once and remember (values it can hold: texts, numbers, booleans)
---@return any value
---@return string|nil reason
function neap.once(key, ttl, fn, options) end

--- A client of Redis, made at the top of the file. It connects when it is asked, and its
--- connections are kept as those of `neap.http`. Speaks RESP3, or RESP2 to servers that know no
--- other. Each `neap.redis { … }` with the same options uses the same connections.
---@param options neap.redis.options
---@return neap.redis.client
function neap.redis(options) end

--- What a client of Redis is made of.
---@class neap.redis.options
---@field address string|nil  `host:port` or `unix:/path`; `"127.0.0.1:6379"` when absent
---@field user string|nil
---@field password string|nil
---@field db integer|nil  the number of the database
---@field tls boolean|table|nil  `true`, or as of `neap.http`
---@field timeout number|nil  seconds for a call, with connecting; absent: as long as the hook may
--- run
---@field connect_timeout number|nil  seconds for connecting, with the handshake of TLS
---@field max_bytes integer|nil  of the replies to a call; 1 MiB when absent

--- Names.
---@class neap.dns
neap.dns = {}

--- The addresses of a name. May wait.
---@param name string
---@param timeout number|nil  seconds
---@return string[]|nil addresses  nil when there are none
---@return string|nil reason
function neap.dns.resolve(name, timeout) end

--- What a request asks for.
---@class neap.http.options
---@field url string  of `neap.http.request`: `http://…` or `https://…`
---@field method string|nil  `"GET"` when absent
---@field headers table<string, string>|nil
---@field body string|nil
---@field timeout number|nil  seconds for all of it; absent: as long as the hook may run
---@field connect_timeout number|nil  seconds for connecting, with the handshake of TLS
---@field http2 boolean|nil  true: it must be HTTP/2, over `http://` without asking (h2c); false: it
--- is HTTP/1.1; absent: over `https://` what the server prefers (ALPN), over `http://` HTTP/1.1
---@field max_bytes integer|nil  a longer body of the answer is a failure; 1 MiB, or any length with
--- `stream`
---@field stream boolean|nil  the answer is there with its head, and its body comes in pieces
---@field tls table|nil  of `https://`: `{ ca =, verify = true, server_name =, certificate =,
--- key = }`, PEM texts. Without `ca` the authorities of the system are trusted. The certificate
--- must be for the URL's host, or for `server_name`. Sessions are resumed.

--- A certificate and its private key.
---@class neap.certificate
---@field certificate string  PEM: the certificate, then its issuer, and so on
---@field key string|nil  PEM; nil: it stands in the same text

--- An answer that neap itself sends.
---@class neap.reply
---@field status integer|nil  200 when absent; in the hook `error`, the status of the error
---@field headers table<string, string|string[]>|nil  a list: the field several times
---@field body string|nil
---@field file string|nil  the name of a small file beside the policy: the body; read at load

return neap
