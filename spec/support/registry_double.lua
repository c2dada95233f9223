-- Stand-ins for registries that Debian has no server of, after their published APIs. What they know
-- is a table that the spec sets.
--
--   double.consul{ index = 7, entries = {…}, status = nil, token = nil } → d
--       GET /v1/health/service/… : blocking queries (index, wait), X-Consul-Index, passing
--   double.kubernetes{ version = 7, slices = {…} by name, events = { { version =, type =,
--         object = } …}, oldest = 0, token = nil, page = nil, gone = "event" or "status" } → d
--       GET /apis/discovery.k8s.io/v1/…/endpointslices: list with limit and continue, watch with
--       resourceVersion, BOOKMARK, 410
--   d:set(table);  d.origin;  d.url

local cjson = require "cjson"
local origin = require "support.origin"
local scope = require "support.scope"

local double = {}
local Double = {}
Double.__index = Double

function Double:set(state)
  self.state = state
  scope.write(self.path .. ".new", cjson.encode(state))
  assert(os.rename(self.path .. ".new", self.path))
end

local function start(state, handler)
  local self = setmetatable({ path = scope.directory() .. "/state" }, Double)
  self:set(state)
  local function now() return cjson.decode(scope.read(self.path)) end
  self.origin = origin.start { handler = function(conn, request)
    local query = {}
    for name, value in (request.target:match "%?(.*)" or ""):gmatch "([^&=]+)=([^&]*)" do
      query[name] = value:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
    end
    return handler(conn, request, query, now)
  end }
  self.url = self.origin.url
  return self
end

local function json(value, headers)
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  return { status = 200, headers = headers, body = cjson.encode(value) }
end

local function list(values) return #values > 0 and values or cjson.empty_array end

-- ---- consul ----

local function is_passing(entry)
  if type(entry) ~= "table" then return true end
  for _, check in ipairs(entry.Checks or {}) do
    if check.Status ~= "passing" then return false end
  end
  return true
end

function double.consul(state)
  return start(state, function(conn, request, query, now)
    local s = now()
    if s.token and request.headers["x-consul-token"] ~= s.token then
      return { status = 403, body = "Permission denied" }
    end
    local waited, most = 0, tonumber((query.wait or ""):match "^(%d+)s$") or 0
    while not s.status and tonumber(query.index) == s.index and waited < most do
      conn:wait(0.05)
      waited, s = waited + 0.05, now()
    end
    if s.status then return { status = s.status, body = "No cluster leader" } end
    local found = {}
    for _, entry in ipairs(s.entries) do
      if not query.passing or is_passing(entry) then table.insert(found, entry) end
    end
    return json(list(found), { ["X-Consul-Index"] = tostring(s.index) })
  end)
end

-- ---- kubernetes ----

local function status_410()
  return { kind = "Status", code = 410, reason = "Expired", message = "too old resource version" }
end

local function names_of(slices)
  local names = {}
  for name in pairs(slices) do table.insert(names, name) end
  table.sort(names)
  return names
end

local function list_slices(s, query)
  local names, items = names_of(s.slices), {}
  local from, page = tonumber(query.continue) or 1, s.page or tonumber(query.limit)
  for i = from, math.min(from + page - 1, #names) do
    table.insert(items, s.slices[names[i]])
  end
  local more = from + page <= #names and tostring(from + page) or nil
  return json { kind = "EndpointSliceList", items = list(items),
    metadata = { resourceVersion = tostring(s.version), continue = more } }
end

local function send(conn, value)
  local line = cjson.encode(value) .. "\n"
  return conn:send(("%x\r\n%s\r\n"):format(#line, line))
end

local function stream(conn, query, now)
  local version = tonumber(query.resourceVersion)
  if version < (now().oldest or 0) and now().gone == "status" then
    return { status = 410, headers = {}, body = cjson.encode(status_410()) }
  end
  conn:send "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
  for _ = 1, 20 * tonumber(query.timeoutSeconds) do
    local s = now()
    if s.cuts then return conn:close() end
    if version < (s.oldest or 0) then
      send(conn, { type = "ERROR", object = status_410() })
      break
    end
    for _, event in ipairs(s.events or {}) do
      if event.version > version then
        version = event.version
        send(conn, { type = event.type, object = event.object })
      end
    end
    conn:wait(0.05)
  end
  conn:send "0\r\n\r\n"
end

function double.kubernetes(state)
  return start(state, function(conn, request, query, now)
    local s = now()
    if s.token and request.headers.authorization ~= "Bearer " .. s.token then
      return { status = 401, body = '{"kind":"Status","message":"Unauthorized","code":401}' }
    end
    if query.watch then return stream(conn, query, now) end
    return list_slices(s, query)
  end)
end

return double
