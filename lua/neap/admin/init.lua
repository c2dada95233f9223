-- The admin side: C hands over each whole request (script/answer.c) and sends the answer that Lua
-- returns. One row per endpoint.

local guard = require "neap.admin.guard"
local reply = require "neap.admin.reply"
local runtime = require "neap.runtime"

local admin = {}

local function lazy(module, name)
  return function(...) return require("neap.admin." .. module)[name](...) end
end

-- method, pattern of the path, handler(q, captures…); changes: it needs the token, as what reads
-- secrets does
local ROUTES = {
  { "GET", "^/$", lazy("page", "index") },
  { "GET", "^/dashboard%.css$", lazy("page", "style") },
  { "GET", "^/(%l+%.js)$", lazy("page", "script") },
  { "GET", "^/status$", lazy("status", "answer") },
  { "GET", "^/metrics$", lazy("metrics", "answer") },
  { "GET", "^/healthz$", lazy("status", "health") },
  { "GET", "^/history$", lazy("history", "answer") },
  { "GET", "^/explain$", lazy("explain", "answer") },
  { "GET", "^/pools/([^/]+)/backends$", lazy("backends", "list") },
  { "POST", "^/pools/([^/]+)/backends$", lazy("backends", "add"), changes = true },
  { "GET", "^/pools/([^/]+)/backends/(.+)$", lazy("backends", "get") },
  { "PATCH", "^/pools/([^/]+)/backends/(.+)$", lazy("backends", "patch"), changes = true },
  { "DELETE", "^/pools/([^/]+)/backends/(.+)$", lazy("backends", "remove"), changes = true },
  { "GET", "^/shared/([^/]+)/(.+)$", lazy("shared", "get"), changes = true },
  { "PUT", "^/shared/([^/]+)/(.+)$", lazy("shared", "put"), changes = true },
  { "DELETE", "^/shared/([^/]+)/(.+)$", lazy("shared", "remove"), changes = true },
  { "POST", "^/reload$", lazy("status", "reload"), changes = true },
  { "POST", "^/record$", lazy("record", "start"), changes = true },
  { "POST", "^/record/take$", lazy("record", "take"), changes = true },
  { "DELETE", "^/record$", lazy("record", "stop"), changes = true },
}

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- All methods that the path knows, and the row for this one.
local function find(method, path)
  local allowed, found, captures = {}, nil, nil
  for _, row in ipairs(ROUTES) do
    local match = { path:match(row[2]) } -- linear: the rows above are
    if match[1] then
      table.insert(allowed, row[1])
      if row[1] == method then found, captures = row, match end
    end
  end
  return found, captures, allowed
end

local function not_found(path)
  return reply.error(404, ("there is nothing at %s (known: /, /status, /metrics, /healthz, "
    .. "/history, /explain, /pools/POOL/backends, /shared/STORE/KEY)"):format(path))
end

local function not_allowed(method, allowed)
  local list = table.concat(allowed, ", ")
  if list:find "GET" then list = list .. ", HEAD" end
  return reply.error(405, ("%s is not possible here (expected %s)"):format(method, list),
    ("Allow: %s\r\n"):format(list))
end

local LATER = require("neap.ffi").numbers.NEAP_VM_ANSWER_LATER

local function refused(r)
  if r.must_wait then return { status = LATER, headers = "", body = "" } end
  return reply.error(r.status, r.text, r.headers)
end

local function answer(q)
  local settings = runtime.config.admin
  local why = guard.reader(q, settings)
  if why then return refused(why) end
  local row, captures, allowed = find(q.method == "HEAD" and "GET" or q.method, q.path)
  if #allowed == 0 then return not_found(q.path) end
  if not row then return not_allowed(q.method, allowed) end
  if row.changes then why = guard.changer(q, settings) end
  if why then return refused(why) end
  for i, capture in ipairs(captures) do captures[i] = unescape(capture) end
  return row[3](q, unpack(captures))
end

---@param q table  method, path, query, host, headers, body, client, is_unix, is_draining,
---has_waited
---@return integer status, string headers, string body
function admin.answer(q)
  local a = answer(q)
  return a.status, a.headers, a.body
end

return admin
