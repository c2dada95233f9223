-- neap.redis: a client of Redis for waiting hooks. It connects when it is first asked; connections
-- are kept by the process, and belong to one hook at a time.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local naming = require "neap.config.naming"
local resp = require "neap.io.resp"
local secure = require "neap.io.secure"
local show = require "neap.config.show"
local tcp = require "neap.io.tcp"
local wait = require "neap.runtime.wait"

local C = ffi.C

local redis = { null = resp.null }

local BYTES_MAX, COMMANDS_MAX = 1024 * 1024, 10000
local KINDS = { address = "string", user = "string", password = "string", db = "number",
  tls = "any", timeout = "number", connect_timeout = "number", max_bytes = "number" }

local function set_of(words)
  local set = {}
  for word in words:gmatch "%S+" do set[word] = true end
  return set
end

-- They get more answers than one, or none.
local REFUSED = set_of [[subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe
  monitor sync psync]]
-- They change the connection, which is not kept after them.
local STATEFUL = set_of [[auth hello select reset quit client multi exec discard watch unwatch
  asking readonly readwrite]]
-- They may be sent again when a kept connection was dead.
local READS = set_of [[get mget hget hmget hgetall hexists hlen exists ttl pttl type strlen getrange
  llen lrange lindex scard sismember smismember smembers zscore zrange zcard zrank ping]]

local clients = setmetatable({}, { __mode = "k" }) -- the object → what it is
local Client = naming.known("a client of neap.redis", {})
local class = { __index = Client }

local function fail(level, text, ...) error(("redis: " .. text):format(...), level + 1) end

local function check_options(options)
  if type(options) ~= "table" then fail(3, "the options must be a table: { address = … }") end
  local fault = naming.fault(options, KINDS)
  if fault then fail(3, "%s", fault) end
  for _, key in ipairs { "db", "timeout", "connect_timeout", "max_bytes" } do
    local value = options[key]
    if value and (value ~= value or value < 0 or value == math.huge) then
      fail(3, "%s must be a number from 0 on, and this is %s", key, show.value(value))
    end
  end
  if options.db and options.db % 1 ~= 0 then fail(3, "db must be a whole number") end
  if options.user and not options.password then fail(3, "a user needs a password") end
  secure.check(options.tls, "redis", 3)
end

-- What a kept connection must be the same in.
local function key_of(options)
  local words = { "redis", options.address, options.user or "", options.password or "",
    tostring(options.db or 0) }
  local tls = options.tls or false
  table.insert(words, tostring(tls ~= false))
  if type(tls) == "table" then
    for _, name in ipairs { "server_name", "ca", "certificate", "key" } do
      table.insert(words, tls[name] or "")
    end
    table.insert(words, tostring(tls.verify))
  end
  local text = table.concat(words, "\0")
  C.neap_hmac("", 0, text, #text)
  return current.out()
end

-- A trial is told of clients that hooks make; nil: there is none.
redis.on_new = nil

---@param options table  address, user, password, db, tls, timeout, connect_timeout, max_bytes
---@return table client
function redis.new(options)
  check_options(options)
  local host, port = tcp.split(options.address or "127.0.0.1:6379")
  if not host then fail(2, "'%s' is not host:port, nor unix:/path", options.address) end
  if redis.on_new then redis.on_new() end
  local own = {}
  for key, value in pairs(options) do own[key] = value end
  own.address = options.address or "127.0.0.1:6379"
  local client = setmetatable({}, class)
  clients[client] = { options = own, host = host, port = port, key = key_of(own) }
  return client
end

local function deadline_of(timeout)
  if not timeout or timeout == 0 then return function() return nil end end
  local deadline = C.neap_clock() + timeout
  return function() return math.max(deadline - C.neap_clock(), 0.001) end
end

local function pause() wait.sleep(0) end

-- Sends commands, and reads as many replies.
---@return table? replies, string? why, boolean is_silent  -- not a byte came
local function converse(conn, self, commands, left)
  local parts = {}
  for i, words in ipairs(commands) do parts[i] = resp.command(words) end
  local sent, why = conn:send(table.concat(parts), left())
  if not sent then return nil, why, true end
  local source = resp.source(function(what) return conn:receive(what, left()) end,
    self.options.max_bytes or BYTES_MAX, pause)
  local replies = {}
  for i = 1, #commands do
    local ok, value = resp.read(source)
    if not ok then return nil, value, source.n == 0 end
    replies[i] = value
  end
  return replies, nil, false
end

-- The reply to one command; nil and why, also if the server says that it failed.
local function ask(conn, self, words, left)
  local replies, why = converse(conn, self, { words }, left)
  if not replies then return nil, why end
  local reply = replies[1]
  if type(reply) == "table" and reply.err then return nil, reply.err, true end
  return reply
end

local function knows_no_resp3(why) return why:find "^NOPROTO" or why:find "^ERR unknown command" end

local function greet(conn, self, left)
  local o = self.options
  if not self.is_old then
    local words = { "HELLO", "3" }
    if o.password then
      for _, word in ipairs { "AUTH", o.user or "default", o.password } do
        table.insert(words, word)
      end
    end
    local reply, why, is_said = ask(conn, self, words, left)
    if reply then return true end
    if not is_said or not knows_no_resp3(why) then return nil, why end
    self.is_old = true
  end
  if not o.password then return true end
  local words = o.user and { "AUTH", o.user, o.password } or { "AUTH", o.password }
  return ask(conn, self, words, left)
end

local function open(self, left)
  local o, seconds = self.options, left()
  local own = o.connect_timeout
  if own and own > 0 and (not seconds or own < seconds) then seconds = own end
  local conn, why = tcp.dial(self.host, self.port, seconds, o.tls)
  if not conn then return nil, why end
  local ok
  ok, why = greet(conn, self, left)
  if ok and (o.db or 0) > 0 then
    ok, why = ask(conn, self, { "SELECT", ("%d"):format(o.db) }, left)
  end
  if ok then return conn end
  conn:close()
  return nil, why
end

-- A transaction that is whole leaves nothing behind.
local function is_transaction(commands)
  local first, last = commands[1].name, commands[#commands].name
  return first == "multi" and (last == "exec" or last == "discard")
end

local function leaves_traces(commands)
  local from, to = 1, #commands
  if is_transaction(commands) then from, to = 2, to - 1 end
  for i = from, to do
    if STATEFUL[commands[i].name] then return true end
  end
  return false
end

local function only_reads(commands)
  for _, words in ipairs(commands) do
    if not READS[words.name] then return false end
  end
  return true
end

local function exchange_over(conn, self, commands, left)
  local replies, why, is_silent = converse(conn, self, commands, left)
  if replies and not leaves_traces(commands) then conn:keep(self.key) else conn:close() end
  return replies, why, is_silent
end

local function exchange(self, commands)
  local left = deadline_of(self.options.timeout)
  local kept = tcp.reuse(self.key, false)
  if kept then
    local replies, why, is_silent = exchange_over(kept, self, commands, left)
    local is_dead = is_silent and why ~= "timeout"
    if replies or not is_dead or not only_reads(commands) then return replies, why end
  end
  local conn, why = open(self, left)
  if not conn then return nil, why end
  local replies
  replies, why = exchange_over(conn, self, commands, left)
  return replies, why
end

-- A command with its words as texts.
local function command_of(level, what, ...)
  local words, n = {}, select("#", ...)
  if n == 0 then fail(level, "%s: a command is missing", what) end
  for i = 1, n do
    local value = select(i, ...)
    words[i] = resp.text(value)
    if not words[i] then
      fail(level, "%s: word %d of the command is %s (expected a text or a number)", what, i,
        show.value(value))
    end
  end
  words.name = words[1]:lower()
  local is_reply = words.name == "client" and words[2] and words[2]:lower() == "reply"
  if REFUSED[words.name] or is_reply then
    fail(level, "%s: %s is not answered once: it cannot be used here", what, words[1])
  end
  return words
end

local function client_of(object, method)
  local self = type(object) == "table" and clients[object]
  if not self then
    error(("redis.%s(…): methods are called with a colon, redis:%s(…)"):format(method, method), 3)
  end
  return self
end

-- The reply; nil when it is null, nil and why when there is none or Redis says that it failed.
---@return any value, string? why
function Client.call(object, ...)
  wait.check "redis:call"
  local self = client_of(object, "call")
  local replies, why = exchange(self, { command_of(3, "call", ...) })
  if not replies then return nil, why end
  local reply = replies[1]
  if reply == resp.null then return nil end
  if type(reply) == "table" and reply.err then return nil, reply.err end
  return reply
end

-- The replies in order: null is neap.redis.null, an error of one command { err = … }.
---@param list table[]  commands, { "GET", key }
---@return table? replies, string? why
function Client.pipeline(object, list)
  wait.check "redis:pipeline"
  local self = client_of(object, "pipeline")
  if type(list) ~= "table" then fail(2, "pipeline: a list of commands is expected") end
  if #list == 0 then return {} end
  if #list > COMMANDS_MAX then fail(2, "pipeline: %d commands are the most", COMMANDS_MAX) end
  local commands = {}
  for i, words in ipairs(list) do
    if type(words) ~= "table" then fail(2, "pipeline: command %d is no list of words", i) end
    commands[i] = command_of(3, "pipeline", unpack(words))
  end
  return exchange(self, commands)
end

return redis
