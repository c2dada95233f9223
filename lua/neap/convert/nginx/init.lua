-- nginx.conf → config.lua and policy.lua.

local code = require "neap.convert.code"
local directives = require "neap.convert.nginx.directives"
local job_of = require "neap.convert.nginx.job"
local levels = require "neap.convert.nginx.levels"
local lines = require "neap.convert.lines"
local listen = require "neap.convert.nginx.listen"
local maps = require "neap.convert.nginx.maps"
local prelude = require "neap.convert.prelude"
local settings = require "neap.convert.nginx.settings"
local site = require "neap.convert.nginx.site"
local stream = require "neap.convert.nginx.stream"
local tree = require "neap.convert.nginx.tree"
local variables = require "neap.convert.nginx.variables"

local LEVELS = { debug = "debug", info = "info", notice = "info", warn = "warn", error = "error",
  crit = "error", alert = "error", emerg = "error" }

-- A variable that is set to one constant in all of the file stands for it.
local function collect_sets(job, block)
  for _, node in ipairs(block) do
    local name = node.name == "set" and (node.args[1] or ""):match "^%$([%w_]+)$"
    if name then
      local value = node.args[2] or ""
      local is_first = not job.assigned[name]
      job.assigned[name] = true
      local is_constant = is_first and not variables.has(value) and value:find "^https?://"
      job.constants[name] = is_constant and value or nil
    end
    if node.block then collect_sets(job, node.block) end
  end
end

local function error_log(job, block, out)
  local node = levels.last({ block }, "error_log")
  if not node then return end
  local target, level = node.args[1] or "stderr", node.args[2]
  if target:find "^syslog:" then target = "syslog" end
  local t = code.table():set("target", code.text(target == "stderr" and target
    or target == "syslog" and target or job:path(target)))
  out:set("log", t:set("level", level and LEVELS[level] and code.text(LEVELS[level])))
end

local function process(job, block)
  local top = job.top
  directives.tell(block, "main", job.notes, function(text) top:remark(text) end)
  local workers = levels.word({ block }, "worker_processes")
  if workers and workers:find "^[1-9]%d?$" and tonumber(workers) <= 64 then
    top:set("workers", workers)
  end
  local user = levels.last({ block }, "user")
  if user and user.args[1] then
    top:set("user", code.text(user.args[1]))
    top:set("group", user.args[2] and code.text(user.args[2]))
  end
  local pid = levels.word({ block }, "pid")
  if pid then top:set("pid_file", code.text(job:path(pid))) end
  error_log(job, block, top)
  local events = levels.here(block, "events")[1]
  local connections = events and levels.word({ events.block or {} }, "worker_connections")
  if connections and connections:find "^[1-9]%d?%d?%d?%d?%d?$" then
    job.connections = connections
  end
end

local LOGS = 1000 -- of http: more are not looked at
local FORMATS = { combined = true, main = true }

local function all_access_logs(http)
  local all = { unpack(levels.here(http, "access_log"), 1, LOGS) }
  for _, server in ipairs(levels.here(http, "server")) do
    for _, node in ipairs(levels.here(server.block, "access_log")) do table.insert(all, node) end
  end
  return all
end

local function add_access_log(job, node)
  local target, format = node.args[1], node.args[2]
  if format and not FORMATS[format] and not format:find("=", 1, true) then
    job.top:remark(job.notes:other(node, ("access_log: the format '%s' is a function in Lua; "
      .. "this is combined"):format(format)))
  end
  local standard = target:match "^/dev/(std%l+)$"
  local text = target:find "^syslog:" and "syslog" or standard or job:path(target)
  job.top:set("access_log", code.table():set("target", code.text(text)))
end

-- neap has one access log: the first that is written.
local function access_log(job, http)
  local chosen
  for _, node in ipairs(all_access_logs(http)) do
    local target = node.args[1] or "off"
    if target ~= "off" and not chosen then
      chosen = target
      add_access_log(job, node)
    elseif target ~= "off" and chosen ~= target then
      job.top:remark(job.notes:other(node, "access_log: there is one for all services"))
    end
  end
end

local function collect_zones(job, http)
  for name, into in pairs { limit_req_zone = job.req_zones, limit_conn_zone = job.conn_zones } do
    for _, node in ipairs(levels.here(http, name)) do
      for _, word in ipairs(node.args) do
        local zone = word:match "^zone=([^:]+)"
        if zone then into[zone] = node end
      end
    end
  end
end

-- A site's text; settings that differ from the service's stand in its first function.
local function emit_site(job, server, http, number, own)
  if #own > 0 then
    local extra = lines(0)
    extra:open("SITES[%d].settings = function(r)", number)
    for _, line in ipairs(own) do extra:add("%s", line) end
    extra:close("end")
    job.sites_out:add("\n%s", site.emit(job, server, http, number))
    return job.sites_out:add("%s", extra:text())
  end
  job.sites_out:add("\n%s", site.emit(job, server, http, number))
end

local function collect(job, http)
  for _, name in ipairs { "upstream", "server" } do
    for _, one in ipairs(levels.here(http, name)) do
      one.block = one.block or {}
      if name == "upstream" and one.args[1] then job.upstreams[one.args[1]] = one end
    end
  end
  maps.collect(job, http)
  collect_zones(job, http)
  access_log(job, http)
end

local function add_service(job, http, service, numbers)
  local out, names = code.table(), {}
  for _, server in ipairs(service.servers) do
    table.insert(names, ("SITES[%d]"):format(numbers[server]))
  end
  job:listen(service, out)
  job:add_policy("http " .. service.addresses[1].address:gsub("^0%.0%.0%.0", ""),
    ("policy_of { %s }"):format(table.concat(names, ", ")), out)
  out:set("guard", "true")
  settings.add(job, { http }, service.servers, out)
  if service.has_tls then out:set("tls", settings.tls(job, { http }, service.servers)) end
  job.services:add(out)
end

local function convert_http(job, node)
  local http = node.block or {}
  directives.tell(http, "http", job.notes, function(text) job.top:remark(text) end)
  collect(job, http)
  local servers = levels.here(http, "server")
  local services, numbers, first_of = listen.services(job, servers), {}, {}
  for _, service in ipairs(services) do
    for _, server in ipairs(service.servers) do
      first_of[server] = first_of[server] or service.servers[1]
    end
  end
  for i, server in ipairs(servers) do
    local own = settings.own(job, { http }, server, first_of[server] or server)
    numbers[server] = i
    emit_site(job, server, http, i, own)
  end
  for _, service in ipairs(services) do add_service(job, http, service, numbers) end
end

local TABLES = { "SITES", "RE", "HEADERS", "RULES", "USERS", "LIMITS", "MAPS", "VARIABLES" }

local function one_is_http(one) return one.text:find "^policy_of" ~= nil end

-- The whole policy.
local function policy_text(job, title)
  if #job.policies == 0 then return nil end
  local rest = lines(0)
  rest:add("%s", job.constants_out:text())
  rest:add("%s", job.maps_out:text())
  rest:add("%s", job.sites_out:text())
  if #job.policies == 1 then
    rest:add("\nlocal policy = %s", job.policies[1].text)
    if job.retries_timeouts and one_is_http(job.policies[1]) then
      rest:add("policy.failed = failed")
    end
    rest:add("\nreturn policy")
  else
    rest:add("\nlocal policies = {}")
    for _, one in ipairs(job.policies) do
      rest:add("policies.%s = %s", one.name, one.text)
      if job.retries_timeouts and one_is_http(one) then
        rest:add("policies.%s.failed = failed", one.name)
      end
    end
    rest:add("\nreturn policies")
  end
  local text = rest:text():gsub("^\n+", ""):gsub("\n\n\n+", "\n\n")
  local head = lines(0)
  head:add("%s", code.comment(title))
  head:add('\nlocal neap = require "neap"\n')
  head:add("%s", prelude.of("share/convert/nginx.lua", text))
  local used = {}
  for _, name in ipairs(TABLES) do
    -- linear: names of ours
    if text:find("%f[%u]" .. name .. "%f[%W]") then table.insert(used, name) end
  end
  if #used > 0 then
    head:add("local %s = %s\n", table.concat(used, ", "), ("{}, "):rep(#used):sub(1, -3))
  end
  return head:text() .. text .. "\n"
end

local function name_policy(job, service)
  for _, item in ipairs(service.items) do
    local name = type(item.value) == "table" and item.value.policy
    if name then
      item.value = #job.policies == 1 and '"policy.lua"' or ('require("policy").%s'):format(name)
    end
  end
end

---@param bytes string
---@param path string
---@param files table
---@param notes table
---@return table? out, string? why  -- config = text, policy = text or nil
return function(bytes, path, files, notes, title)
  local nodes, why = tree.read(bytes, path, files)
  if not nodes then return nil, why end
  local job = job_of(notes, path)
  collect_sets(job, nodes)
  process(job, nodes)
  for _, node in ipairs(levels.here(nodes, "http")) do convert_http(job, node) end
  for _, node in ipairs(levels.here(nodes, "stream")) do
    maps.collect(job, node.block or {})
    stream.convert(job, node)
  end
  if job.services:is_empty() then
    return nil, ("%s: there is no server in http or stream"):format(path)
  end
  for _, item in ipairs(job.services.items) do name_policy(job, item.value) end
  local policy = policy_text(job, title)
  if policy and policy:find "LIMITS" then
    job.top:set("shared", code.table():set("limits", code.table():set("bytes", "16777216")))
  end
  job.top:set("services", job.services)
  if not job.pool_table:is_empty() then job.top:set("pools", job.pool_table) end
  return { config = ("%s\n\nreturn %s\n"):format(code.comment(title), code.render(job.top)),
    policy = policy }
end
