-- The `request` that hooks see: one object for all requests, which reads the one that C works on.

local ffi = require "neap.ffi"
local body = require "neap.runtime.body"
local current = require "neap.runtime.current"
local fields = require "neap.runtime.fields"
local route = require "neap.runtime.route"
local trim = require "neap.trim"
local tls = require "neap.runtime.tls"
local view = require "neap.runtime.view"

local C, string_of, istype = ffi.C, ffi.string, ffi.istype
local state, out, refused = current.state, current.out, current.refused

local request = {}

-- What is kept of requests between their hooks, by id: { ctx =, view = }. C takes entries out.
local kept = {}
request.kept = kept

---@return table
local function keep(r)
  local id = tonumber(r.id)
  local entry = kept[id]
  if not entry then
    entry = {}
    kept[id] = entry
    r.has_state = 1
  end
  return entry
end
request.keep = keep

local function text(p, n)
  if p == nil then return nil end
  return string_of(p, n)
end

local getters = {}

local SAID_SNI, SAID_ALPN = ffi.numbers.NEAP_SAID_SNI, ffi.numbers.NEAP_SAID_ALPN
local SAID_JA4 = ffi.numbers.NEAP_SAID_JA4

local function said(r, what)
  if C.neap_request_said(r, what) == 0 then return nil end
  return out()
end

function getters.sni(r) return said(r, SAID_SNI) end

function getters.ja4(r) return said(r, SAID_JA4) end

-- Each name comes after its length.
function getters.alpn(r)
  local rest = said(r, SAID_ALPN)
  if not rest then return nil end
  local names = {}
  while #rest > 0 do
    local n = rest:byte(1)
    table.insert(names, rest:sub(2, n + 1))
    rest = rest:sub(n + 2)
  end
  return names
end

getters.tls = tls.of

function getters.id(r)
  C.neap_request_id(r)
  return out()
end

function getters.method(r) return text(r.method, r.method_n) end

function getters.path(r) return text(r.path, r.path_n) end

-- One text for all paths that a server may take for the same; nil: servers take it differently.
function getters.normal_path(r)
  local as_sent = text(r.path, r.path_n)
  if not as_sent or as_sent == "*" then return as_sent end
  return (require("neap.text.path").normalise(as_sent))
end

-- The path that goes to the backend.
function getters.target_path(r)
  if r.new_path == nil then return text(r.path, r.path_n) end
  return (string_of(r.new_path, r.new_path_n):match "^[^?]*")
end

function getters.query(r)
  if r.has_query == 0 then return nil end
  return text(r.query, r.query_n)
end

function getters.host(r)
  if r.edits ~= nil and C.neap_request_header(r, "host", 4) == 1 then return out() end
  return text(r.host, r.host_n)
end

function getters.scheme(r)
  if r.is_tcp == 1 then return r.is_udp == 1 and "udp" or "tcp" end
  return r.secure == 1 and "https" or "http"
end

local VERSIONS = { [0] = "1.0", "1.1", "2" }

function getters.version(r)
  if r.is_tcp == 1 then return nil end
  return VERSIONS[r.minor]
end

function getters.client_ip(r)
  C.neap_request_client_ip(r)
  return out()
end

-- Of a flow of datagrams: what the hook `key` gave.
function getters.key(r)
  if r.key_n == 0 then return nil end
  return string_of(r.key, r.key_n)
end

function getters.client_port(r) return r.port end
function getters.attempt(r) return r.attempt end
function getters.time(r) return r.time end

function getters.ctx(r)
  local entry = keep(r)
  local ctx = entry.ctx
  if not ctx then
    ctx = {}
    entry.ctx = ctx
  end
  return ctx
end

local function unquoted(value)
  if #value >= 2 and value:byte(1) == 34 and value:byte(-1) == 34 then return value:sub(2, -2) end
  return value
end

local function cookies_in(field, name)
  local values = {}
  for item in field:gmatch "[^;]+" do
    local key, value = item:match "^([^=]*)=(.*)$"
    if key and trim.field(key) == name then table.insert(values, unquoted(trim.field(value))) end
  end
  return values
end

local function must_be(what, value, kind)
  if type(value) ~= kind then
    error(("%s must be a %s, not %s"):format(what, kind, type(value)), 3)
  end
end

local function add_lists(methods, needed)
  -- All fields that it has now: those that hooks have set come last.
  function methods.headers(self)
    if type(self) ~= "cdata" then view.needs_colon("request", "headers") end
    return fields.iterate(C.neap_request_field, needed(self))
  end

  -- The arguments of its query, as of neap.url.args.
  function methods.args(self, max)
    if type(self) ~= "cdata" then view.needs_colon("request", "args") end
    if max ~= nil then must_be("max", max, "number") end
    return require("neap.text.url").args(getters.query(needed(self)), max)
  end
end

-- Of a body that is not here yet, the hook waits for the rest.
local function add_body(methods, needed)
  function methods.body(self, max)
    if type(self) ~= "cdata" then view.needs_colon("request", "body") end
    return body.get(needed(self), max)
  end

  function methods.set_body(self, bytes)
    if type(self) ~= "cdata" then view.needs_colon("request", "set_body") end
    return body.set(needed(self), bytes)
  end
end

-- What holds for this request alone.
local function add_route(methods, needed)
  for _, name in ipairs { "limits", "timeouts", "retry" } do
    methods[name] = function(self, given)
      if type(self) ~= "cdata" then view.needs_colon("request", name) end
      route.set(needed(self), name, given)
    end
  end
end

-- The methods of objects about `subject(object)`.
local function methods_of(subject)
  local function needed(self)
    local r = subject(self)
    if r == nil then error("request was used outside of its hook", 3) end
    return r
  end

  local methods = {}
  add_lists(methods, needed)

  function methods.header(self, name)
    if type(self) ~= "cdata" then view.needs_colon("request", "header") end
    must_be("the name of a header", name, "string")
    if C.neap_request_header(needed(self), name, #name) == 0 then return nil end
    return out()
  end

  function methods.cookie(self, name)
    if type(self) ~= "cdata" then view.needs_colon("request", "cookie") end
    must_be("the name of a cookie", name, "string")
    if C.neap_request_cookie(needed(self), name, #name) == 0 then return nil end
    return out()
  end

  -- All cookies of that name: old ones of other paths and domains come along with the valid one.
  function methods.cookies(self, name)
    if type(self) ~= "cdata" then view.needs_colon("request", "cookies") end
    must_be("the name of a cookie", name, "string")
    if C.neap_request_header(needed(self), "cookie", 6) == 0 then return {} end
    return cookies_in(out(), name)
  end

  function methods.set_header(self, name, value)
    if type(self) ~= "cdata" then view.needs_colon("request", "set_header") end
    must_be("the name of a header", name, "string")
    local code
    if value == nil then
      code = C.neap_request_set_header(needed(self), name, #name, nil, 0)
    else
      if type(value) == "number" then value = tostring(value) end
      must_be("the value of a header", value, "string")
      code = C.neap_request_set_header(needed(self), name, #name, value, #value)
    end
    if code ~= 0 then refused(code, name) end
  end

  -- The path alone keeps the query; with a `?` it replaces it too.
  function methods.set_path(self, path)
    if type(self) ~= "cdata" then view.needs_colon("request", "set_path") end
    must_be("a path", path, "string")
    if C.neap_request_set_path(needed(self), path, #path) ~= 0 then
      error(("'%s' is not a path that a request can have (it begins with /, without blanks, "
        .. "controls, # or bytes above 127, 16384 bytes at most)"):format(path:sub(1, 100)), 2)
    end
  end

  add_body(methods, needed)
  add_route(methods, needed)
  return methods
end

local kinds = {}

-- A kind of requests: `subject(object)` is what C knows of one, nil outside of its hooks.
---@return any object, any kind
function request.new(subject, declaration)
  local object, kind = view.new("request", subject, getters, methods_of(subject), declaration)
  table.insert(kinds, kind)
  return object, kind
end

-- Is it a request, the one of the running hook?
function request.is(value)
  for i = 1, #kinds do
    if istype(kinds[i], value) then return true end
  end
  return false
end

request.object = request.new(function() return state.request end)

return request
