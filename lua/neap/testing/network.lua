-- The network that waiting hooks meet in the test kit: tables and functions that answer at once,
-- while the virtual clock moves on.
--
--   http["http://host:port/path"] = "body", { status =, headers =, body =, after = seconds },
--       nil, "reason", or a function({ method, url, headers, body }) that returns one of these;
--       body: a text, or a list of the pieces in which it comes
--   tcp["host:port"] = function(bytes) → bytes     called for what is sent, gives what is received;
--       or a text: all that is received
--   redis["host:port"] = { ["GET a"] = "1" }, or a function(command, …); see redis.lua
--   dns["name"] = { "192.0.2.1" }
-- Names that are not there refuse connections, and have no address. `log` lists every call.

local bit = require "bit"
local N = require("neap.ffi").numbers
local redis = require "neap.testing.redis"
local sorted = require "neap.sorted"

local network = {}

local band = bit.band
local TO_HEAD, CUT = N.NEAP_ANSWER_TO_HEAD, N.NEAP_ANSWER_CUT
local OWN_LIMIT = 5 -- seconds that a hook may wait in all

-- The answer of a table of answers, or of a function(key, …).
local function ask(answers, key, ...)
  if type(answers) == "function" then return answers(key, ...) end
  local found = answers and answers[key]
  if type(found) == "function" then return found(...) end
  return found
end

local function parse_request(bytes, address, scheme)
  local method, target, rest = bytes:match "^(%u+) (%S+) HTTP/1%.1\r\n(.*)$"
  if not method then return nil end
  local head, body = ("\r\n" .. rest):match "^(.-\r\n)\r\n(.*)$"
  local headers = {}
  for name, value in head:gmatch "\n([^:\r\n]+):[ \t]*([^\r\n]*)" do
    headers[name:lower()] = value
  end
  return {
    method = method, url = ("%s://%s%s"):format(scheme, address, target), headers = headers,
    body = body,
  }
end

local function header_lines(headers)
  local lines = {}
  for _, name in ipairs(sorted.keys(headers or {})) do
    table.insert(lines, ("%s: %s\r\n"):format(name, tostring(headers[name])))
  end
  return table.concat(lines)
end

-- Shared by the functions below: how a call ends, what is noted, and how time passes.
local function make_base(self)
  function self.done(why)
    self.failure = why
    if not why then return 0 end
    self.out ""
    return 0
  end

  function self.note(kind, what)
    self.world.network.log = self.world.network.log or {}
    table.insert(self.world.network.log, { kind = kind, what = what, time = self.world.now() })
  end

  -- The time a wait takes, up to its limit: then the reason is "timeout".
  function self.pass(seconds, limit)
    local most = limit and limit > 0 and limit or math.huge
    local is_late = seconds > most
    self.world.wait(math.min(seconds, most, OWN_LIMIT))
    self.waited()
    if seconds > OWN_LIMIT and most > OWN_LIMIT then
      error("did not answer in time (5 s, or what the request had left)", 0)
    end
    return is_late and "timeout" or nil
  end
end

local function add_waits(C, self)
  function C.neap_wait_sleep(seconds)
    self.note("sleep", seconds)
    return self.done(self.pass(seconds))
  end

  function C.neap_wait_resolve(name, _, timeout)
    self.note("dns", name)
    local found, why = ask(self.world.network.dns, name)
    if found == nil and name:find "^[%d.]+$" then found = { name } end
    local late = self.pass(type(found) == "table" and found.after or 0, timeout)
    if late or not found then return self.done(late or why or "no such name") end
    self.out(table.concat(found, " "))
    return self.done(nil)
  end

  -- Here a task is over when who started it goes on: what waits for an event waits for itself.
  function C.neap_task_start(number)
    self.world.run_task(number)
    return 1
  end

  function C.neap_wait_event() return self.done(self.pass(math.huge)) end
  function C.neap_announce() end

  function C.neap_wait_failure() return self.failure end
end

local function ask_redis(servers, conn, bytes)
  conn.sent = conn.sent .. bytes
  local answers = servers and servers[conn.address]
  if not answers then return end
  local got
  got, conn.sent = redis.talk(answers, conn.sent)
  conn.input = conn.input .. got
end

local function add_connections(C, self)
  local function is_there(address)
    local tcp, http = self.world.network.tcp, self.world.network.http
    if type(tcp) == "function" or type(http) == "function" then return true end
    if tcp and tcp[address] ~= nil then return true end
    if self.world.network.redis and self.world.network.redis[address] then return true end
    for url in pairs(http or {}) do
      local scheme, authority = url:match "^(https?)://([^/]+)"
      local port = scheme == "https" and ":443" or ":80"
      if authority == address or authority and authority .. port == address then return true end
    end
    return false
  end

  local scheme = "http" -- of the next connection

  function C.neap_wait_secure()
    scheme = "https"
    return 1
  end

  -- Before anything else of a call is asked for.
  function C.neap_call_open()
    error("the test kit does not speak HTTP/2: checks of gRPC need the real balancer", 0)
  end

  function C.neap_wait_connect(host, _, port, timeout)
    local address = port > 0 and ("%s:%d"):format(host, port) or host
    self.note("connect", address)
    local late = self.pass(0, timeout)
    if late or not is_there(address) then return self.done(late or "connection refused") end
    self.last_conn = self.last_conn + 1
    self.conns[self.last_conn] = { address = address, sent = "", input = "", scheme = scheme }
    scheme = "http"
    local first = self.world.network.tcp and ask(self.world.network.tcp, address, "")
    if type(first) == "string" then self.conns[self.last_conn].input = first end
    return self.done(nil)
  end

  function C.neap_wait_send(id, bytes)
    local conn = self.conns[id]
    if not conn then return self.done "closed" end
    ask_redis(self.world.network.redis, conn, bytes)
    local tcp = self.world.network.tcp
    local peer = type(tcp) == "table" and tcp[conn.address] or tcp
    if type(peer) == "function" then
      local got = type(tcp) == "function" and tcp(conn.address, bytes) or peer(bytes)
      conn.input = conn.input .. (got or "")
    end
    self.waited()
    return self.done(nil)
  end

  function C.neap_wait_conn() return self.last_conn end
  function C.neap_wait_stood() return 0 end
end

-- None is kept, and what one shares is there for its own request.
local function add_sharing(C, self)
  function C.neap_conn_reuse() return 0 end
  function C.neap_conn_speaks_h2() return 1 end
  function C.neap_conn_share(id)
    self.shared = id
    return 1
  end
  function C.neap_conn_ask()
    local id = self.shared or 0
    self.shared = nil
    return id
  end
  function C.neap_conn_keep(id) self.conns[id] = nil end
  function C.neap_conn_close(id) self.conns[id] = nil end
end

local function add_receiving(C, self)
  local function take(conn, n, skip)
    self.out(conn.input:sub(1, n))
    conn.input = conn.input:sub(n + (skip or 0) + 1)
    self.waited()
    return self.done(nil)
  end

  function C.neap_wait_line(id)
    local conn = self.conns[id]
    local at, last = (conn and conn.input or ""):find "\r?\n"
    if not at then return self.done "closed" end
    return take(conn, at - 1, last - at + 1)
  end

  function C.neap_wait_until(id, delimiter, n, max)
    local conn = self.conns[id]
    local at = (conn and conn.input or ""):find(delimiter, 1, true)
    if not at then return self.done "closed" end
    if at - 1 > max then return self.done "too much was received" end
    return take(conn, at - 1, n)
  end

  function C.neap_wait_bytes(id, n)
    local conn = self.conns[id]
    if not conn or #conn.input < n then return self.done "closed" end
    return take(conn, n)
  end

  function C.neap_wait_some(id, n)
    local conn = self.conns[id]
    if not conn or conn.input == "" then return self.done "closed" end
    return take(conn, math.min(tonumber(n), #conn.input))
  end

  function C.neap_wait_all(id)
    local conn = self.conns[id]
    if not conn then return self.done "closed" end
    return take(conn, #conn.input)
  end
end

local function answer_of(self, conn)
  local request = parse_request(conn.sent, conn.address, conn.scheme)
  if not request then return nil, "closed" end
  local http = self.world.network.http
  local short = request.url:gsub("^(http://[^/]-):80/", "%1/"):gsub("^(https://[^/]-):443/", "%1/")
  self.note("http", short)
  if type(http) == "function" then return http(request) end
  local found = http and (http[request.url] or http[short])
  if type(found) == "function" then return found(request) end
  return found
end

local function add_http(C, self)
  -- The answer to what was sent, when it has come; nil and why.
  local function await(conn, timeout)
    local answer, why = answer_of(self, conn)
    conn.sent = ""
    if type(answer) == "string" then answer = { body = answer } end
    local late = self.pass(answer and answer.after or 0, timeout)
    if late or not answer then return nil, late or why or "closed" end
    self.status, self.headers = answer.status or 200, header_lines(answer.headers)
    local body = answer.body or ""
    return type(body) == "table" and body or { body }
  end

  function C.neap_wait_response(id, flags, body_max, timeout)
    local conn = self.conns[id]
    if not conn then return self.done "closed" end
    local pieces, why = await(conn, timeout)
    if not pieces then return self.done(why) end
    local body = band(flags, TO_HEAD) ~= 0 and "" or table.concat(pieces)
    if #body > body_max and band(flags, CUT) == 0 then
      return self.done "the answer's body is too large"
    end
    self.out(body:sub(1, body_max))
    return self.done(nil)
  end

  function C.neap_wait_head(id, flags, timeout)
    local conn = self.conns[id]
    if not conn then return self.done "closed" end
    local pieces, why = await(conn, timeout)
    conn.pieces, conn.next_piece = band(flags, TO_HEAD) == 0 and pieces or {}, 0
    return self.done(why)
  end

  function C.neap_wait_piece(id)
    local conn = self.conns[id]
    if not conn then return self.done "closed" end
    repeat conn.next_piece = conn.next_piece + 1 until conn.pieces[conn.next_piece] ~= ""
    self.waited()
    self.out(conn.pieces[conn.next_piece] or "")
    return self.done(nil)
  end

  function C.neap_wait_status() return self.status end
  function C.neap_wait_headers() return self.out(self.headers) end
  function C.neap_wait_ttl() return -1 end
  function C.neap_wait_missing() return 0 end
end

---@param world table  network; wait(seconds); now()
---@param out fun(text: string): integer
---@param waited fun()  the running hook has waited
---@return table C
function network.new(world, out, waited)
  local C = {}
  local self = {
    world = world, out = out, waited = waited, conns = {}, last_conn = 0, status = 0, headers = "",
  }
  make_base(self)
  add_waits(C, self)
  add_connections(C, self)
  add_sharing(C, self)
  add_receiving(C, self)
  add_http(C, self)
  return C
end

return network
