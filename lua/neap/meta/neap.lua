---@meta neap

--- What `require "neap"` gives. Functions marked "may wait" hold up nobody else; they work in the
--- hooks that may wait, and end with the hook's deadline (5 s, or what is left of
--- `timeouts.request`).
---@class neap
local neap = {}

--- The pool of that name, as it is now: what may serve. For the `backends` hook to return, or to
--- look at. A name that the config does not have is an error.
---@param name string
---@return neap.pool
function neap.pool(name) end

--- An answer to be returned by the `request` hook. One that never changes may be made once, at the
--- top of the file.
---@param answer neap.reply  `{ status = 200, headers = { Vary = "Cookie" }, body = "…" }`
---@return neap.reply
function neap.reply(answer) end

--- The time: seconds since 1970, with fractions. It stands still while a hook runs.
---@return number
function neap.now() end

--- A number at random, from 0 to below 1; with n, a whole number from 1 to n.
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
--- all processes and over restarts of workers. Another one after the balancer was stopped.
---@return string
function neap.secret() end

--- Lets a time pass. May wait.
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

--- A figure that goes up and down.
---@param name string
---@param help string
---@return neap.gauge
function neap.metric.gauge(name, help) end

--- JSON, by lua-cjson.
---@class neap.json
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

--- Ready checks, to stand as a policy's `check`.
---@class neap.check
neap.check = {}

--- It accepts a connection, and says what is expected.
---@param options table|nil  of `health`: `timeout`, `address`, `port`, `send_proxy`, `send` …
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.tcp(options) end

--- It answers a request well.
---@param options table|nil  of `health`: `timeout`, `address`, `port`, `send_proxy`, `path` …
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.http(options) end

--- Its host answers a ping.
---@param options table|nil  of `health`: `timeout`, `address`
---@return fun(backend: neap.backend): boolean, string|nil
function neap.check.icmp(options) end

--- Requests to others, from hooks; `http://` only, each over a connection of its own. The timeout
--- is for connecting, sending and receiving, each. A longer body than
--- `max_bytes` (1 MiB) is a failure.
---@class neap.http
neap.http = {}

--- Gets a page. May wait.
---@param url string
---@param options table|nil  `{ headers =, timeout =, max_bytes = }`
---@return neap.http.answer|nil answer  nil when there is none
---@return string|nil reason
function neap.http.get(url, options) end

--- Sends a request. May wait.
---@param request table  `{ url =, method =, headers =, body =, timeout =, max_bytes = }`
---@return neap.http.answer|nil answer  nil when there is none
---@return string|nil reason
function neap.http.request(request) end

--- An answer to such a request.
---@class neap.http.answer
---@field status integer
---@field headers table<string, string>  by lower-case name
---@field body string

--- Connections to others, from hooks.
---@class neap.tcp
neap.tcp = {}

--- Connects. May wait. Also `connect("host:port", timeout)` and `connect("unix:/path", timeout)`.
---@param host string
---@param port integer
---@param timeout number|nil  seconds, with the name's lookup; absent: as long as the hook may run
---@return neap.socket|nil socket  nil when it failed
---@return string|nil reason  `"timeout"`, `"closed"`, …
function neap.tcp.connect(host, port, timeout) end

--- Names.
---@class neap.dns
neap.dns = {}

--- The addresses of a name. May wait.
---@param name string
---@param timeout number|nil  seconds
---@return string[]|nil addresses  nil when there are none
---@return string|nil reason
function neap.dns.resolve(name, timeout) end

--- An answer to be sent from here.
---@class neap.reply
---@field status integer|nil  200 when absent
---@field headers table<string, string|string[]>|nil  a list: the field several times
---@field body string|nil

return neap
