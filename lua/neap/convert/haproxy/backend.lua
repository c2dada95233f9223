-- backend (and the second half of listen): a pool, and the rules of it.

local acl = require "neap.convert.haproxy.acl"
local code = require "neap.convert.code"
local health = require "neap.convert.haproxy.health"
local lines = require "neap.convert.lines"
local rules = require "neap.convert.haproxy.rules"
local server = require "neap.convert.haproxy.server"

local backend = {}

local function shipped(name, options)
  if not options then return code.text(name) end
  return ("require %s %s"):format(code.text("neap.policy." .. name), options)
end

local BALANCE = {
  roundrobin = function() return nil end,
  ["static-rr"] = function() return nil end,
  leastconn = function() return shipped "least_connections" end,
  source = function() return shipped "source" end,
  first = function() return shipped "first" end,
  uri = function() return shipped("hash", '{ key = "path" }') end,
}

function BALANCE.random(draws) return shipped(draws == "1" and "random" or "two_choices") end

function BALANCE.hdr(name)
  return shipped("hash", ("{ key = %s }"):format(code.text("header:" .. name)))
end

function BALANCE.url_param(name)
  return shipped("hash", ("{ key = function(r) return (r:args() or {})[%s] end }")
    :format(code.text(name)))
end

local function balance(job, section, out)
  local line = section:last "balance"
  if not line then return nil end
  local name, argument = (line[2] or ""):match "^([%w_-]+)%(?([^)]*)"
  if name == "url_param" then argument = line[3] or "" end
  local known = BALANCE[name]
  if not known then
    out:remark(job.notes:lacks(line, ("balance %s: round robin instead"):format(tostring(line[2]))))
    return nil
  end
  return known(argument or "")
end

local COOKIE = { indirect = "indirect", nocache = "nocache", secure = "secure" }
local QUIET = { insert = true, httponly = true, preserve = true, dynamic = true }
local WITH_VALUE = { domain = true, maxidle = true, maxlife = true, attr = true }

local function cookie_options(job, line, out)
  local t = code.table():set("name", code.text(line[2] or "SERVER"))
  local is_insert, i = false, 3
  while i <= #line do
    local word = line[i]
    is_insert = is_insert or word == "insert"
    if COOKIE[word] then
      t:set(COOKIE[word], "true")
    elseif word == "domain" then
      t:set("domain", code.text(line[i + 1] or ""))
    elseif not QUIET[word] then
      out:remark(job.notes:lacks(line, "cookie: " .. word))
    end
    i = i + (WITH_VALUE[word] and 2 or 1)
  end
  return t, is_insert
end

-- cookie NAME insert indirect nocache
local function cookie(job, section, fallback, out)
  local line = section:last "cookie"
  if not line then return fallback end
  local t, is_insert = cookie_options(job, line, out)
  if not is_insert then
    out:remark(job.notes:lacks(line, "cookie: only with insert, of neap's own"))
    return fallback
  end
  out:remark(job.notes:other(line, "cookie: the value is a digest, not the name of the server"))
  if fallback then t:set("fallback", fallback) end
  return ("require \"neap.policy.cookie\" %s"):format(code.render(t, 1))
end

local function timeouts(section, is_tcp)
  local t = code.table()
  local connect, answer = section:last("timeout", "connect"), section:last("timeout", "server")
  local seconds = connect and server.seconds(connect[3])
  if seconds and seconds > 0 then t:set("connect", code.number(seconds)) end
  seconds = answer and not is_tcp and server.seconds(answer[3])
  if seconds and seconds > 0 then
    t:set("response", code.number(seconds)):set("stream_idle", code.number(seconds))
  end
  return t
end

local function retry(job, section, is_tcp, out)
  local t = code.table()
  local line = section:last "retries"
  local n = line and tonumber(line[2])
  if n then t:set("attempts", code.number(math.max(1, math.min(math.floor(n) + 1, 16384)))) end
  local on = section:last "retry-on"
  local statuses = code.table()
  for i = 2, on and not is_tcp and #on or 0 do
    if on[i]:find "^[45]%d%d$" then statuses:add(on[i]) end
  end
  if not statuses:is_empty() then t:set("status", statuses) end
  if line and not section:option "redispatch" then
    out:remark(job.notes:other(line, "retries: neap tries another server, as with redispatch"))
  end
  return not t:is_empty() and t or nil
end

local function queue(section)
  local line = section:last("timeout", "queue") or section:last("timeout", "connect")
  local seconds = line and server.seconds(line[3])
  return seconds and seconds > 0 and code.table():set("timeout", code.number(seconds)) or nil
end

local function slow_start(list)
  for _, p in ipairs(list) do
    local seconds = server.seconds(p.slowstart)
    if seconds and seconds > 0 then return code.number(seconds) end
  end
end

local function has_slots(list)
  for _, p in ipairs(list) do
    if p.maxconn then return true end
  end
end

-- stick on src keeps clients with their servers.
local function stick(job, section, policy, out)
  for _, line in ipairs(section:rules { stick = true }) do
    local words = table.concat(line, " ")
    if words:find "^stick on src%f[%W]" and not policy then
      out:remark(job.notes:other(line, "stick on src: by a hash of the address"))
      policy = shipped "source"
    else
      out:remark(job.notes:lacks(line, words))
    end
  end
  return policy
end

-- Of a listen section, the frontend has them.
local function tcp_rules(job, section, out)
  if section.kind ~= "backend" then return end
  for _, line in ipairs(section:rules { ["tcp-request"] = true }) do
    if line[2] ~= "inspect-delay" then
      out:remark(job.notes:lacks(line, "tcp-request: write it in the frontend"))
    end
  end
end

---@return string name  -- of the pool
function backend.emit(job, section, is_tcp)
  local name = job.pool_of[section.name]
  local out = code.table()
  out:remark(("%s %s (%s:%d)"):format(section.kind, tostring(section.name), section.file,
    section.line))
  job:tell(section, out)
  tcp_rules(job, section, out)
  local list, backends = server.all(job, section, is_tcp, out)
  out:set("backends", backends)
  local policy = stick(job, section, balance(job, section, out), out)
  if not is_tcp then policy = cookie(job, section, policy, out) end
  out:set("policy", policy)
  out:set("health", health.of(job, section, list, is_tcp, out))
  local t = timeouts(section, is_tcp)
  if not t:is_empty() then out:set("timeouts", t) end
  out:set("retry", retry(job, section, is_tcp, out))
  if has_slots(list) then out:set("queue", queue(section)) end
  out:set("slow_start", slow_start(list))
  out:set("tls", server.tls(job, list, out))
  if not is_tcp then out:set("http2", server.speaks_http2(list)) end
  job.pool_table:set(name, out)
  return name
end

local REQUEST = { ["http-request"] = true, redirect = true }
local ANSWER = { ["http-response"] = true, ["http-after-response"] = true }

-- The rules of a backend, as functions of BACKS.
function backend.rules(job, section)
  local out = lines(1)
  local c = { job = job, section = section, owner = "r" }
  c.names = acl.define(job, section, out)
  local request, response = lines(2), lines(2)
  rules.emit_all(c, request, section:rules(REQUEST))
  c.owner = "a"
  rules.emit_all(c, response, section:rules(ANSWER))
  local name = job.pool_of[section.name]
  if #request.list + #response.list == 0 then return end
  out:add("local back = {}")
  if #request.list > 0 then
    out:add("function back.request(r)")
    out:raw(request)
    out:add("end")
  end
  if #response.list > 0 then
    out:add("function back.response(r, a)")
    out:raw(response)
    out:add("end")
  end
  out:add("BACKS[%s] = back", code.text(name))
  job:begin(section)
  job.sites_out:raw(out)
  job.sites_out:add("end")
  job.backs[name] = true
  table.insert(job.back_names, name)
end

return backend
