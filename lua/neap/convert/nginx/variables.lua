-- Texts with variables of nginx, as expressions of Lua. In them `r` is the request and `m` the
-- groups of the last pattern that matched.

local code = require "neap.convert.code"

local variables = {}

local PLAIN = {
  args = "args_of(r)",
  binary_remote_addr = "r.client_ip",
  document_uri = "uri_of(r)",
  host = "host_of(r)",
  http_host = '(r.host or "")',
  hostname = '(r.host or "")',
  is_args = '(args_of(r) ~= "" and "?" or "")',
  query_string = "args_of(r)",
  remote_addr = "r.client_ip",
  remote_port = "tostring(r.client_port)",
  request_id = "r.id",
  request_method = "r.method",
  request_uri = "request_uri(r)",
  scheme = "r.scheme",
  server_protocol = '("HTTP/" .. r.version)',
  ssl_cipher = '(r.tls and r.tls.cipher or "")',
  ssl_client_s_dn = '(r.tls and r.tls.client and r.tls.client.subject or "")',
  ssl_client_serial = '(r.tls and r.tls.client and r.tls.client.serial or "")',
  ssl_client_verify = '(r.tls and r.tls.client and "SUCCESS" or "NONE")',
  ssl_preread_server_name = '(r.sni or "")',
  ssl_protocol = '(r.tls and r.tls.version or "")',
  ssl_server_name = '(r.tls and r.tls.sni or "")',
  uri = "uri_of(r)",
}
PLAIN.realip_remote_addr = PLAIN.remote_addr
PLAIN.https = '(r.scheme == "https" and "on" or "")'

-- What can be said in config.lua, without the functions that a policy begins with.
local IN_CONFIG = {
  request_uri = '(r.path or "") .. "?" .. (r.query or "")',
  host = '(r.host or ""):lower()',
  uri = '(r.path or "")', document_uri = '(r.path or "")', request_method = '(r.method or "")',
  args = '(r.query or "")', query_string = '(r.query or "")',
}
for _, name in ipairs { "remote_addr", "binary_remote_addr", "scheme", "http_host",
  "remote_port" } do
  IN_CONFIG[name] = PLAIN[name]
end

local function field(name) return code.text((name:gsub("_", "-"))) end

local PREFIXES = {
  { "^http_(.+)$", function(name) return ('(r:header(%s) or "")'):format(field(name)) end },
  { "^cookie_(.+)$", function(name) return ('(r:cookie(%s) or "")'):format(code.text(name)) end },
  { "^arg_(.+)$", function(name) return ("arg(r, %s)"):format(code.text(name:lower())) end },
}

local function by_prefix(name)
  for _, row in ipairs(PREFIXES) do
    local rest = name:match(row[1]) -- linear: anchored, one repetition
    if rest then return row[2](rest) end
  end
end

local function in_config(name)
  return IN_CONFIG[name] or not name:find "^arg_" and by_prefix(name) or nil
end

local function server_port(scope)
  return scope.port and code.text(scope.port) or '(r.scheme == "https" and "443" or "80")'
end

-- The expression of one variable, or nil.
local function variable(name, scope)
  if scope.is_config then return in_config(name) end
  if name:find "^%d$" then return scope.m and ('(m[%s] or "")'):format(name) end
  if name == "server_name" then return code.text(scope.server_name or "") end
  if name == "server_port" then return server_port(scope) end
  local own = scope.job:own_variable(name)
  if own then return own end
  if scope.groups and scope.groups[name] then return ('(m[%s] or "")'):format(code.text(name)) end
  return PLAIN[name] or by_prefix(name)
end

-- What a text consists of: { text = } and { name = }.
---@return table[]
function variables.parts(text)
  local parts, at = {}, 1
  while at <= #text do
    local dollar = text:find("$", at, true) or #text + 1
    if dollar > at then table.insert(parts, { text = text:sub(at, dollar - 1) }) end
    local name, stop = text:match("^{([%w_]+)}()", dollar + 1)
    if not name then name, stop = text:match("^(%d)()", dollar + 1) end
    if not name then name, stop = text:match("^([%a_][%w_]*)()", dollar + 1) end
    if name then
      table.insert(parts, { name = name })
    elseif dollar <= #text then
      table.insert(parts, { text = "$" })
    end
    at = stop or dollar + 1
  end
  return parts
end

---@return boolean
function variables.has(text)
  for _, part in ipairs(variables.parts(text)) do
    if part.name then return true end
  end
  return false
end

---@param text string
---@param scope table  job; m: there are groups; groups: names of groups; server_name
---@return string? expression, string? why
function variables.compile(text, scope)
  local parts = {}
  for _, part in ipairs(variables.parts(text)) do
    local expression = part.text and code.text(part.text) or variable(part.name, scope)
    if not expression then return nil, ("neap has no $%s"):format(part.name) end
    table.insert(parts, expression)
  end
  return #parts == 0 and '""' or table.concat(parts, " .. ")
end

-- The names of the groups of a pattern.
---@return table<string, true>
function variables.groups(pattern, into)
  into = into or {}
  for name in pattern:gmatch "%(%?P?<([%a_][%w_]*)>" do into[name] = true end
  return into
end

return variables
