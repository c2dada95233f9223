-- frontend (and the first half of listen): a service, and the rules of it.

local acl = require "neap.convert.haproxy.acl"
local bind = require "neap.convert.haproxy.bind"
local code = require "neap.convert.code"
local format = require "neap.convert.haproxy.format"
local lines = require "neap.convert.lines"
local rules = require "neap.convert.haproxy.rules"
local server = require "neap.convert.haproxy.server"

local frontend = {}

local function seconds(section, name)
  local line = section:last("timeout", name)
  local n = line and server.seconds(line[3])
  return n and n > 0 and code.number(n) or nil
end

local function timeouts(section, is_tcp)
  local t = code.table()
  local client = seconds(section, "client")
  if is_tcp then
    t:set("tunnel", seconds(section, "tunnel") or client)
    t:set("half_closed", seconds(section, "client-fin"))
    return t
  end
  local header = seconds(section, "http-request")
  t:set("client_header", header or client)
  t:set("client_body", client)
  t:set("client_idle", seconds(section, "http-keep-alive") or header or client)
  t:set("tunnel", seconds(section, "tunnel"))
  t:set("half_closed", seconds(section, "client-fin"))
  return t
end

local function limits(job, section)
  local line = section:last "maxconn"
  local n = line and line[2] or job.maxconn
  if not n or not n:find "^[1-9]%d?%d?%d?%d?%d?$" then return nil end
  return code.table():set("connections", n)
end

-- monitor-uri is answered before all rules.
local function monitor(section, out)
  local line = section:last "monitor-uri"
  if not line then return end
  out:add('if r.path == %s then return reply(r, 200, "OK\\n") end', code.text(line[2] or ""))
end

local function pool_expression(job, c, name)
  if name:find("%[", 1, true) then
    local value, why = format.compile(name, job, c.section)
    return value and ("POOLS[%s]"):format(value), why
  end
  local pool = job.pool_of[name]
  if not pool then return nil, ("there is no backend '%s'"):format(name) end
  return code.text(pool)
end

-- What no rule of use_backend sends elsewhere; nil: nothing says where to.
local function default_pool(job, c, out)
  local section = c.section
  local line = section:last "default_backend"
  local name = line and line[2] or (section.kind == "listen" and section.name)
  if not name then return nil end
  local pool, why = pool_expression(job, c, name)
  if not pool then
    out:remark(job.notes:lacks(line or section, ("default_backend %s: %s"):format(name, why)))
  end
  return pool
end

local function route(job, c, out)
  local default = default_pool(job, c, out)
  for _, line in ipairs(c.section:rules { use_backend = true }) do
    local pool, why = pool_expression(job, c, line[2] or "")
    local test = pool
    if pool then test, why = acl.condition(line, 3, job, c.section, c.names) end
    -- A name that is worked out and belongs to no backend ends the rules, too.
    if pool and default and pool:find "^POOLS" then pool = pool .. " or " .. default end
    if not test then
      out:remark(job.notes:lacks(line, ("%s: %s"):format(table.concat(line, " "), tostring(why))))
    elseif test == "true" then
      out:add("do return %s end", pool)
    else
      out:add("if %s then return %s end", test, pool)
    end
  end
  out:add("return %s", default or "nil")
end

local REQUEST = { ["http-request"] = true, redirect = true }
local TCP = { ["tcp-request"] = true }

-- tcp-request connection, session and content: rules of their own before those of requests, which
-- `accept` does not end; inspect-delay has no use.
local function tcp_rules(c, out)
  for _, line in ipairs(c.section:rules(TCP)) do
    local words = setmetatable({ unpack(line, 2) }, { __index = { file = line.file,
      line = line.line, name = line.name } })
    local ends = words[2] == "accept" and (#words == 2 or (words[4] or ""):find "^WAIT_END"
      or (words[5] or ""):find "ssl_hello_type")
    if words[1] ~= "inspect-delay" and not ends then rules.emit(c, out, words) end
  end
end

local function add_function(out, name, parameters, body)
  if #body.list == 0 then return end
  out:add("function front.%s(%s)", name, parameters)
  out:raw(body)
  out:add("end")
end

-- compression algo gzip, compression type text/html
local function compress(job, section, out)
  local algo, kinds = section:last("compression", "algo"), section:last("compression", "type")
  if not algo then return nil end
  local has_gzip = table.concat(algo, " "):find("gzip", 1, true)
  if not has_gzip then
    out:remark(job.notes:lacks(algo, "compression: zstd, br and gzip"))
    return nil
  end
  local t, types = code.table():set("codings", code.table():add('"gzip"')), code.table()
  for i = 3, kinds and #kinds or 0 do
    local word = kinds[i]:gsub("/$", "/*")
    if word:find "^[%w*.+-]+/[%w*.+-]+$" then types:add(code.text(word)) end
  end
  return t:set("types", not types:is_empty() and types or nil)
end

local function is_plain(request, route_lines)
  return #request.list == 0 and #route_lines.list == 1
end

-- The policy's part; nil when the service can do without.
local function policy(job, section, is_tcp)
  local out = lines(1)
  local c = { job = job, section = section, owner = "r" }
  c.names = acl.define(job, section, out)
  local connection, request, choose = lines(2), lines(2), lines(2)
  local response, after = lines(2), lines(2)
  monitor(section, request)
  tcp_rules(c, connection)
  if not is_tcp then rules.emit_all(c, request, section:rules(REQUEST)) end
  route(job, c, choose)
  c.owner = "a"
  if not is_tcp then
    rules.emit_all(c, response, section:rules { ["http-response"] = true })
    rules.emit_all(c, after, section:rules { ["http-after-response"] = true })
  end
  local needs = not is_plain(request, choose)
    or #connection.list + #response.list + #after.list > 0
  if not needs and not job:has_rules(choose.list[1]) then
    return nil, choose.list[1]:match '^%s*return "(.*)"$'
  end
  out:add("local front = {}")
  add_function(out, "connection", "r", connection)
  add_function(out, "request", "r", request)
  add_function(out, "route", choose:text():find "%f[%w_]r%f[^%w_]" and "r" or "_r", choose)
  add_function(out, "response", "r, a", response)
  add_function(out, "after", "r, a", after)
  out:add("FRONTS[%s] = front", code.text(section.name or ""))
  job:begin(section)
  job.sites_out:raw(out)
  job.sites_out:add("end")
  return out:text()
end

function frontend.emit(job, section, is_tcp)
  local out = code.table()
  out:remark(("%s %s (%s:%d)"):format(section.kind, tostring(section.name), section.file,
    section.line))
  if section.kind == "frontend" then job:tell(section, out) end
  if section.name and not job.service_names[section.name] then
    job.service_names[section.name] = true
    out:set("name", code.text(section.name))
  end
  local tls = bind.emit(job, section, out)
  if is_tcp then out:set("mode", '"tcp"') end
  local text, pool = policy(job, section, is_tcp)
  if text then
    job:add_policy(section, text, out)
    out:set("guard", "true")
  elseif pool then
    out:set("pool", code.text(pool))
  else
    out:set("policy", '{ request = function() return require("neap").reply { status = 503 } end }')
  end
  if is_tcp and text and text:find "r%.sni" or (text and is_tcp and text:find "r%.alpn") then
    out:set("sniff", '"tls"')
  end
  local t = timeouts(section, is_tcp)
  if not t:is_empty() then out:set("timeouts", t) end
  out:set("limits", limits(job, section))
  if not is_tcp then out:set("compress", compress(job, section, out)) end
  out:set("tls", tls)
  job.services:add(out)
end

return frontend
