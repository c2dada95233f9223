-- The admin side, as those who operate neap reach it.
--
--   admin.token
--   admin.start(backends, more, options) → n    no checks unless `more` says so; options: see
--       neap.start; options.admin: the admin table's text (default: port 0 and the token)
--   admin.get(n, path, headers) → response, the body decoded if it is JSON
--   admin.call(n, method, path, value, headers) → the same; with the token, value as JSON
--   admin.status(n) → the decoded status
--   admin.metrics(n) → { ["name{labels}"] = value }
--   admin.backend(n, name) → what the status says of the first pool's backend of that name

local cjson = require "cjson"
local client = require "support.client"
local neap = require "support.neap"

local admin = { token = "the-token-of-this-spec" }

local DEFAULT = ('{ listen = "127.0.0.1:0", token = %q }'):format(admin.token)

function admin.start(backends, more, options)
  options = options or {}
  more = more or ""
  if not more:find "health" then more = 'health = { type = "none" },\n' .. more end
  local listen = more:find "services =" and "" or 'listen = "127.0.0.1:0",'
  local config = neap.config(backends, ("%s admin = %s,\n%s")
    :format(listen, options.admin or DEFAULT, more))
  return neap.start { config = config, files = options.files, allow = options.allow }
end

local function decoded(response)
  local kind = response.headers["content-type"]
  if kind == "application/json" then response.value = cjson.decode(response.body) end
  return response
end

function admin.get(n, path, headers)
  local c = client.connect(n.admin)
  local response = c:request("GET", path, headers)
  c:close()
  return decoded(response)
end

function admin.call(n, method, path, value, headers)
  local fields = { Authorization = "Bearer " .. admin.token }
  if value ~= nil then fields["Content-Type"] = "application/json" end
  for name, text in pairs(headers or {}) do fields[name] = text or nil end
  local body = type(value) == "table" and cjson.encode(value) or value
  local c = client.connect(n.admin)
  local response = c:request(method, path, fields, body)
  c:close()
  return decoded(response)
end

function admin.status(n) return admin.get(n, "/status").value end

function admin.metrics(n)
  local list = {}
  for line in admin.get(n, "/metrics").body:gmatch "[^\n]+" do
    local name, value = line:match "^([^#].*) (%S+)$"
    if name then list[name] = tonumber(value) end
  end
  return list
end

function admin.backend(n, name)
  for _, backend in ipairs(admin.status(n).pools[1].backends) do
    if backend.name == name then return backend end
  end
end

return admin
