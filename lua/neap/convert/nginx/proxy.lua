-- proxy_pass and what goes with it, as lines of a location's function.

local code = require "neap.convert.code"
local levels = require "neap.convert.nginx.levels"
local pools = require "neap.convert.nginx.pools"
local units = require "neap.convert.units"
local variables = require "neap.convert.nginx.variables"

local proxy = {}

-- Fields that belong to a connection: neap writes its own.
local OURS = { connection = true, upgrade = true, ["keep-alive"] = true, te = true, trailer = true,
  ["transfer-encoding"] = true, ["content-length"] = true, ["proxy-connection"] = true }
-- What neap sends anyway.
local SAME = {
  host = { ["$http_host"] = true },
  ["x-forwarded-for"] = { ["$proxy_add_x_forwarded_for"] = true, ["$remote_addr"] = true },
  ["x-forwarded-proto"] = { ["$scheme"] = true },
  ["x-forwarded-host"] = { ["$http_host"] = true, ["$host"] = true },
  ["x-forwarded-server"] = {},
}

local function set_header(job, out, node, scope)
  local name, text = node.args[1], node.args[2]
  local low = (name or ""):lower()
  if not text or OURS[low] or (SAME[low] and SAME[low][text]) then return end
  if text == "" then return out:add("r:set_header(%s, nil)", code.text(name)) end
  if text == "$proxy_host" then text = scope.proxy_host end
  local value, why = variables.compile(text, scope)
  if not value then
    return out:remark(job.notes:lacks(node, ("%s %s: %s"):format(node.name, name, why)))
  end
  out:add("r:set_header(%s, %s)", code.text(name), value)
end

-- Without a Host of its own nginx sends the name that stands in proxy_pass.
local function headers(job, out, list, target, scope)
  local nodes = levels.all(list, target.is_grpc and "grpc_set_header" or "proxy_set_header")
  local has_host = false
  scope.proxy_host = target.written
  for _, node in ipairs(nodes) do
    has_host = has_host or (node.args[1] or ""):lower() == "host"
    set_header(job, out, node, scope)
  end
  if not has_host and target.written then
    out:add("r:set_header(\"Host\", %s)", code.text(target.written))
  end
end

local DEADLINES = { { "connect_timeout", "connect" }, { "read_timeout", "response" },
  { "read_timeout", "stream_idle" } }

-- Deadlines that stand in this location, or around it.
local function deadlines(out, list, target)
  local t = code.table()
  for _, row in ipairs(DEADLINES) do
    local text = levels.word(list, (target.is_grpc and "grpc_" or "proxy_") .. row[1])
    local seconds = text and units.seconds(text, 1)
    if seconds and seconds > 0 then t:set(row[2], code.number(seconds)) end
  end
  if not t:is_empty() then out:add("r:timeouts %s", code.render(t, 1)) end
end

-- A variable that is set once, to a constant.
local function with_constants(job, text)
  return (text:gsub("%$([%a_][%w_]*)", function(name) return job.constants[name] end))
end

-- The scheme and what follows; gRPC is HTTP/2.
local function scheme_of(node, text)
  local scheme, rest = text:match "^(%a+)://(.+)$"
  if node.name == "grpc_pass" then
    if not scheme then scheme, rest = "grpc", text end
    return scheme == "grpcs" and "https" or "http", rest, true
  end
  return scheme, rest, false
end

-- "unix:/path:/uri", "host:port/uri", "$variable"
local function host_of(rest)
  local host, uri = rest:match "^(unix:[^:]+):?(.*)$" -- linear: the first does not take the colon
  if not host then host, uri = rest:match "^([^/?$]+)(.*)$" end
  if not host then host, uri = rest:match "^(%$[%w_]+)(.*)$" end
  return host, uri ~= "" and uri or nil
end

---@return table? target, string? why  -- scheme, host, uri (nil: none), written, is_grpc
function proxy.target(job, node)
  local text = with_constants(job, node.args[1] or "")
  local scheme, rest, is_grpc = scheme_of(node, text)
  if scheme ~= "http" and scheme ~= "https" then
    return nil, ("%s %s: only http:// and https:// can be said here"):format(node.name, text)
  end
  local host, uri = host_of(rest)
  if not host then return nil, ("%s %s: without a server"):format(node.name, text) end
  return { scheme = scheme, host = host, uri = uri, is_grpc = is_grpc,
    written = not host:find "^unix:" and host or "localhost" }
end

-- proxy_pass http://$variable, if the variable is a map to upstreams.
local function by_map(job, list, node, target)
  local map = job.maps[target.host:sub(2)]
  if not map or target.uri then return nil end
  local rows, seen = code.table(), {}
  for _, value in ipairs(map.values) do
    if not job.upstreams[value] then return nil end
    local name = pools.name(job, list, node, { scheme = target.scheme, host = value })
    if not seen[value] then rows:set(value, code.text(name)) end
    seen[value] = true
  end
  return ("(%s)[%s]"):format(code.render(rows, 1), job:own_variable(target.host:sub(2)))
end

-- The path that goes to the backend; nil: the client's.
local function path_of(target, scope, place)
  local uri = target.uri
  if not uri then return nil end
  if variables.has(uri) then
    if uri == "$request_uri" then return "request_uri(r)" end
    return variables.compile(uri, scope)
  end
  if place.kind == "=" then return code.text(uri) end
  if place.kind ~= "" and place.kind ~= "^~" then return nil end
  return ("%s .. uri_of(r):sub(%d)"):format(code.text(uri), #place.path + 1)
end

---@param out table  lines
---@param place table  kind and path of the location
function proxy.pass(job, out, list, node, scope, place)
  local target, why = proxy.target(job, node)
  if not target then
    out:remark(job.notes:lacks(node, why))
    return out:add("return reply(r, 502)")
  end
  local pool
  if target.host:sub(1, 1) == "$" then
    pool = by_map(job, list, node, target)
    target.written = nil
    if not pool then
      out:remark(job.notes:lacks(node, ("%s %s: pools have names; choose one in Lua, by neap.pool")
        :format(node.name, node.args[1])))
      return out:add("return reply(r, 502)")
    end
  else
    pool = code.text(pools.name(job, list, node, target))
  end
  headers(job, out, list, target, scope)
  deadlines(out, list, target)
  local path = path_of(target, scope, place)
  out:add("return pass(r, %s%s)", pool, path and ", " .. path or "")
end

return proxy
