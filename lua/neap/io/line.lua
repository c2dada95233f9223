-- The connection for a request of neap.http: one that was kept, a place on one over HTTP/2 that all
-- share, or a new one.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local tcp = require "neap.io.tcp"
local wait = require "neap.runtime.wait"

local C = ffi.C

local line = {}

local KEY_MAX = 64
local DIAL_SECONDS = 2 -- so long others wait for a connection that one of them makes
local HTTP1_SECONDS, HTTP1_MAX = 60, 1000 -- so long it is believed; of so many servers
local EVENTS = 2 ^ 40 -- numbers that nobody else announces

local dialling = {} -- key → { event, since } of who makes the connection that may be for all
local http1, http1_n = {}, 0 -- key → until when it is believed that HTTP/2 is not spoken there
local last_event = EVENTS

-- What a connection must be the same in: the server, and on which terms it is spoken with.
---@param asked table  of neap.io.draft
---@return string
function line.key(asked)
  local options = asked.options
  local tls = options.tls
  if not asked.is_secure and not asked.may_h2 then
    local short = ("http %s %d"):format(asked.name, asked.port)
    if #short <= KEY_MAX then return short end
  end
  local words = { asked.is_secure and "https" or "http", asked.name, asked.port }
  for _, name in ipairs { "server_name", "ca", "certificate", "key" } do
    table.insert(words, type(tls) == "table" and tls[name] or "")
  end
  table.insert(words, tostring(type(tls) == "table" and tls.verify == false))
  table.insert(words, tostring(options.http2))
  local text = table.concat(words, "\0")
  C.neap_hmac("", 0, text, #text)
  return current.out()
end

local function tls_of(asked)
  if not asked.is_secure then return nil end
  local given, tls = asked.options.tls, {}
  for name, value in pairs(type(given) == "table" and given or {}) do tls[name] = value end
  tls.speaks_h2 = asked.may_h2 and (asked.options.http2 or "auto") or nil
  return tls
end

local function dial(asked, left)
  if asked.port < 1 or asked.port > 65535 then
    return nil, ("there is no port %d"):format(asked.port)
  end
  local seconds, own = left(), asked.options.connect_timeout
  if own and (not seconds or own < seconds) then seconds = own end
  return tcp.dial(asked.name, asked.port, seconds, tls_of(asked))
end

local function believe_http1(key)
  if http1_n >= HTTP1_MAX then http1, http1_n = {}, 0 end
  if not http1[key] then http1_n = http1_n + 1 end
  http1[key] = C.neap_clock() + HTTP1_SECONDS
end

-- A new connection; over HTTP/2 it is for all, and this is the first request on it.
local function open(asked, key, left)
  local conn, why = dial(asked, left)
  if not conn or not asked.may_h2 then return conn, why end
  if asked.is_secure and not conn:speaks_h2() then
    if not asked.options.http2 then
      believe_http1(key)
      return conn
    end
    conn:close()
    return nil, "the server does not offer HTTP/2 (ALPN)"
  end
  if not conn:share(key) then return nil, "no memory, or too many connections over HTTP/2" end
  conn = tcp.ask(key, false)
  return conn, not conn and "the server ended the connection" or nil
end

-- Who is asked for the connection waits for that of another; nil: it has to make its own.
local function await(key, left)
  local one = dialling[key]
  if not one or C.neap_clock() - one.since > DIAL_SECONDS then return nil end
  local seconds = left()
  wait.done(C.neap_wait_event(one.event, math.min(DIAL_SECONDS, seconds or DIAL_SECONDS)))
  return tcp.ask(key, false)
end

local function open_for_all(asked, key, left)
  if (http1[key] or 0) > C.neap_clock() then return open(asked, key, left) end
  local conn = await(key, left)
  if conn then return conn end
  last_event = last_event + 1
  local one = { event = last_event, since = C.neap_clock() }
  dialling[key] = one
  local why
  conn, why = open(asked, key, left)
  if dialling[key] == one then dialling[key] = nil end
  C.neap_announce(one.event)
  return conn, why
end

-- One that is there already, which may have ended unseen; nil: none.
---@param asked table
---@param key string
---@param is_sure boolean  for what cannot be sent again: one that stands for sure
function line.there(asked, key, is_sure)
  return asked.may_h2 and tcp.ask(key, is_sure) or tcp.reuse(key, is_sure)
end

---@param asked table
---@param key string
---@param left fun(): number?
---@return any? conn, string? why
function line.new(asked, key, left)
  return (asked.may_h2 and open_for_all or open)(asked, key, left)
end

return line
