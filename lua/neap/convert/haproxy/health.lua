-- check, option httpchk, http-check: how backends are checked.

local code = require "neap.convert.code"
local server = require "neap.convert.haproxy.server"

local health = {}

-- option httpchk [METHOD] [URI] [VERSION]
local function request_of(section, t)
  local line = section:option "httpchk"
  local method, path, version = line[3], line[4], line[5]
  if method and not path then method, path = nil, method end
  if method and method ~= "GET" then t:set("method", code.text(method)) end
  if path and path ~= "/" then t:set("path", code.text(path)) end
  local host = version and version:match "[Hh]ost: *([^\r\n]+)"
  if host then t:set("host", code.text(host)) end
end

local SENDS = { meth = "method", uri = "path" }

-- http-check send meth GET uri / ver HTTP/1.1 hdr Host x
local function add_send(t, line)
  local headers, i = code.table(), 3
  while i <= #line do
    local word, value = line[i], line[i + 1] or ""
    if SENDS[word] and not t:get(SENDS[word]) then t:set(SENDS[word], code.text(value)) end
    if word == "hdr" then
      if value:lower() == "host" then
        t:set("host", code.text(line[i + 2] or ""))
      else
        headers:set(value, code.text(line[i + 2] or ""))
      end
      i = i + 1
    end
    i = i + 2
  end
  if not headers:is_empty() then t:set("headers", headers) end
end

-- http-check expect status 200-399
local function add_expect(job, t, line, out)
  local what, value = line[3], line[4] or ""
  if what == "status" and value:find "^[%d,-]+$" then
    t:set("status", code.text(value))
  elseif what == "string" then
    t:set("body", code.text(value))
  else
    out:remark(job.notes:lacks(line, ("http-check expect %s: status and string are converted")
      :format(tostring(what))))
  end
end

local function http(job, section, out, list)
  local t = code.table()
  local is_tls = list[1] and list[1].ssl and not list[1]["no-check-ssl"]
  t:set("type", is_tls and '"https"' or '"http"')
  request_of(section, t)
  for _, line in ipairs(section:all "http-check") do
    if line[2] == "send" then
      add_send(t, line)
    elseif line[2] == "expect" then
      add_expect(job, t, line, out)
    elseif line[2] ~= "disable-on-404" and line[2] ~= "send-state" and line[2] ~= "connect" then
      out:remark(job.notes:lacks(line, "http-check " .. tostring(line[2])))
    end
  end
  return t
end

local function tcp(job, section, out)
  local t = code.table():set("type", '"tcp"')
  if section:option "redis-check" then
    return t:set("send", '"PING\\r\\n"'):set("expect", '"+PONG"')
  end
  for _, line in ipairs(section:all "tcp-check") do
    if line[2] == "send" and not t:get "send" then
      t:set("send", code.text(line[3] or ""))
    elseif line[2] == "expect" and line[3] == "string" and not t:get "expect" then
      t:set("expect", code.text(line[4] or ""))
    elseif line[2] ~= "connect" then
      out:remark(job.notes:lacks(line, "tcp-check: one send and one expect string"))
    end
  end
  for _, name in ipairs { "mysql-check", "pgsql-check", "smtpchk", "ldap-check", "ssl-hello-chk",
    "external-check", "spop-check" } do
    local line = section:option(name)
    if line then
      out:remark(job.notes:other(line, name .. ": a check that connects, or a hook check in Lua"))
    end
  end
  return t
end

local function times(section, t, p)
  local seconds = server.seconds
  t:set("interval", code.number(seconds(p.inter) or 2))
  local fast = seconds(p.fastinter)
  if fast then t:set("fast", code.number(fast)) end
  local line = section:last("timeout", "check")
  local timeout = line and seconds(line[3]) or seconds(p.inter) or 2
  t:set("timeout", code.number(timeout))
  t:set("rise", server.digits(p.rise) or "2"):set("fall", server.digits(p.fall) or "3")
end

---@param list table[]  the parameters of the servers
---@return convert.table? -- nil: none is checked
function health.of(job, section, list, is_tcp, out)
  local checked, first = 0, nil
  for _, p in ipairs(list) do
    if p.check then
      checked, first = checked + 1, first or p
    end
  end
  if checked == 0 then return nil end
  if checked < #list then
    out:remark(job.notes:other(first.line, "check: all servers of the pool are checked"))
  end
  local t = section:option "httpchk" and http(job, section, out, list) or tcp(job, section, out)
  if is_tcp and not section:option "httpchk" and t:get "type" == '"tcp"' and #t.items == 1 then
    t = code.table():set("type", '"tcp"')
  end
  times(section, t, first)
  return t
end

return health
