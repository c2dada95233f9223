-- stream: services of TCP and UDP.

local code = require "neap.convert.code"
local directives = require "neap.convert.nginx.directives"
local levels = require "neap.convert.nginx.levels"
local lines = require "neap.convert.lines"
local listen = require "neap.convert.nginx.listen"
local pools = require "neap.convert.nginx.pools"
local settings = require "neap.convert.nginx.settings"
local units = require "neap.convert.units"

local stream = {}

local REFUSES = '{ request = function() return require("neap").reply { status = 503 } end }'

local function timeouts(list, is_udp)
  local t = code.table()
  local idle = levels.word(list, "proxy_timeout")
  local connect = levels.word(list, "proxy_connect_timeout")
  local seconds = units.seconds(idle or "10m", 1)
  if seconds and seconds > 0 then t:set(is_udp and "udp" or "tunnel", code.number(seconds)) end
  seconds = connect and not is_udp and units.seconds(connect, 1)
  if seconds and seconds > 0 then t:set("connect", code.number(seconds)) end
  return t
end

-- proxy_pass $name, where the map leads from the name that the client asks for to upstreams.
local function by_map(job, list, node, scheme)
  local name = (node.args[1] or ""):match "^%$([%w_]+)$"
  local map = name and job.maps[name]
  if not map then return nil end
  local rows, seen = code.table(), {}
  for _, value in ipairs(map.values) do
    local pool = pools.name(job, list, node, { scheme = scheme, host = value })
    if not seen[value] then rows:set(value, code.text(pool)) end
    seen[value] = true
  end
  local out = lines(0)
  out:add("{ backends = function(r)")
  out:add("  local name = (%s)[%s]", code.render(rows, 1), job:own_variable(name))
  out:add("  return name and neap.pool(name)")
  out:add("end }")
  return out:text()
end

local function numbers(list, out)
  for _, row in ipairs { { "proxy_responses", "responses" }, { "proxy_requests", "requests" } } do
    local n = levels.word(list, row[1])
    if n and n:find "^[1-9]%d?%d?%d?%d?$" then out:set(row[2], n) end
  end
end

local function scheme_of(list, is_udp)
  if is_udp then return "udp" end
  return levels.word(list, "proxy_ssl") == "on" and "tls" or "tcp"
end

local function route(job, list, node, service, out, title)
  local scheme = scheme_of(list, service.udp)
  local policy = by_map(job, list, node, scheme)
  if policy then
    job:add_policy(title, policy, out)
  elseif (node.args[1] or ""):find("$", 1, true) then
    out:remark(job.notes:lacks(node, ("proxy_pass %s: pools have names; choose one in Lua")
      :format(node.args[1])))
    out:set("policy", REFUSES)
  else
    local target = { scheme = scheme, host = node.args[1] or "" }
    out:set("pool", code.text(pools.name(job, list, node, target)))
  end
end

local function add_service(job, block, service)
  local server = service.servers[1]
  local list = { block, server.block }
  local out = code.table()
  out:remark(("server (%s:%d)"):format(server.file, server.line))
  directives.tell(server.block, "stream", job.notes, function(text) out:remark(text) end)
  job:listen(service, out)
  out:set("mode", service.udp and '"udp"' or '"tcp"')
  if levels.word(list, "ssl_preread") == "on" then out:set("sniff", '"tls"') end
  if service.udp then numbers(list, out) end
  local node = levels.here(server.block, "proxy_pass")[1]
  if node then
    route(job, list, node, service, out, "stream " .. service.addresses[1].address)
  else
    out:remark(job.notes:lacks(server, "a server without proxy_pass"))
    out:set("policy", REFUSES)
  end
  local t = timeouts(list, service.udp)
  if not t:is_empty() then out:set("timeouts", t) end
  if service.has_tls then out:set("tls", settings.tls(job, { block }, service.servers)) end
  job.services:add(out)
end

local function uses_proxy_protocol(list) return levels.word(list, "proxy_protocol") == "on" end

---@param node table  the block
function stream.convert(job, node)
  local block = node.block or {}
  job.upstreams = {}
  for _, one in ipairs(levels.here(block, "upstream")) do
    if one.args[1] then job.upstreams[one.args[1]] = one end
  end
  directives.tell(block, "stream", job.notes, function(text) job.top:remark(text) end)
  for _, service in ipairs(listen.services(job, levels.here(block, "server"))) do
    local list = { block, service.servers[1].block }
    add_service(job, block, service)
    if uses_proxy_protocol(list) and job.last_pool then
      local pool = job.pool_table:get(job.last_pool)
      if pool and not pool:get "send_proxy" then pool:set("send_proxy", "1") end
    end
  end
end

return stream
