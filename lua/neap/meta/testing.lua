---@meta neap.testing

--- The test kit: virtual balancers, for specs of policies (docs/testing.md). It runs in plain
--- LuaJIT, for example under busted, with neap's Lua files on `package.path`; `neap init` arranges
--- that.
---@class neap.testing
local testing = {}

--- A pool in a balancer of its own.
---@param backends integer|(string|table)[]  how many; or names, URLs, tables as in a config
---@param options table|nil  keys of a config; `policy`; `seed`, `time`, `network`, `contain`
---@return neap.testing.pool
function testing.pool(backends, options) end

--- A balancer, made from `{ config = "config.lua" }` or from a config's keys. `balancer.pool` is
--- the first service's pool, `balancer.pools.NAME` any pool.
---@param options table
---@return table
function testing.balancer(options) end

--- Tests what every policy promises: in a spec file one test for each promise, elsewhere all at
--- once.
---@param policy string|table|function  a file, the name of a shipped one, hooks
---@param options table|nil  `fair`, `consistent`, `microseconds`, `bytes`, `fields`, `backends`
function testing.contract(policy, options) end

--- A virtual pool, as specs handle it. What hooks can ask of a pool, it answers too.
---@class neap.testing.pool
local pool = {}

--- Sends a request.
---@param fields table|nil  `method`, `path`, `host`, `headers`, `cookies`, `client_ip`, `body`
---@return string|nil backend  the name of the one that answered
---@return string|nil reason
function pool:pick(fields) end

--- Sends a request; returns all that happened to it.
---@param fields table|nil
---@return neap.testing.result
function pool:send(fields) end

--- Sends n requests.
---@param n integer
---@param fields table|(fun(i: integer): table)|nil
---@return table<string, integer> counts  by name of the backend that answered
function pool:count(n, fields) end

--- A connection comes: asks the hook `connection`.
---@param fields table|nil  `client_ip`, `client_port`
---@return boolean is_let_in  false: it is closed
function pool:connection(fields) end

--- A datagram of a udp service comes: asks the hook `key`.
---@param datagram table|nil  `bytes`, `client_ip`, `client_port`
---@return string|nil key
---@return string|nil whose  `"client"`
function pool:key(datagram) end

--- A TLS handshake begins: asks the hook `certificate`.
---@param hello table|nil  `sni`, `alpn` (a list), `versions` (a list), `ja4`, `client_ip`
---@return table|nil given  `certificate` and `key`, as the hook gave them; nil: a configured one
function pool:certificate(hello) end

--- Sets what backends answer.
---@param fn fun(name: string, request: table): string|table|nil
---@return neap.testing.pool
function pool:serve(fn) end

--- What hooks get: the backends that may serve now.
---@return neap.pool
function pool:view() end

--- A request as hooks get it.
---@param fields table|nil
---@return neap.request
function pool:request(fields) end

--- A backend as hooks see it.
---@param name string
---@return neap.backend
function pool:backend(name) end

--- Its process is gone: connections are refused. Also `cut_off`, `hang`, `garble`, `revive`.
---@param name string
---@return neap.testing.pool
function pool:kill(name) end

--- It answers after so many seconds.
---@param name string
---@param seconds number
---@return neap.testing.pool
function pool:slow(name, seconds) end

--- It resets the next connections, or all.
---@param name string
---@param times integer|nil
---@return neap.testing.pool
function pool:reset(name, times) end

--- It is alive and dead by turns.
---@param name string
---@param up number  seconds
---@param down number|nil  seconds; as `up`
---@return neap.testing.pool
function pool:flap(name, up, down) end

--- Sets its state. Also `up`, `drain` and `eject(name, seconds)`.
---@param name string
---@param reason string|nil
---@return neap.testing.pool
function pool:down(name, reason) end

--- Changes what is known of it.
---@param name string
---@param values table  `inflight`, `latency`, `weight`, `slots`, `tier`, `state`
---@return neap.testing.pool
function pool:set(name, values) end

--- Runs the policy's `start`, then each function of its `every` for the first time. The first
--- request does this, if nothing else did.
---@return neap.testing.pool
function pool:start() end

--- Lets time pass: checks run, `every` too, ejections end.
---@param seconds number
---@return neap.testing.pool
function pool:advance(seconds) end

--- What happened to a request.
---@class neap.testing.result
---@field status integer
---@field backend string|nil  the one that answered
---@field attempts integer
---@field tried string[]
---@field failures table[]  `stage`, `kind`, `message` each
---@field reason string|nil
---@field headers table<string, string>  by lower-case name
---@field body string
---@field total number  virtual seconds
---@field errors table[]  of hooks: `hook`, `text`

return testing, pool
