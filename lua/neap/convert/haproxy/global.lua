-- global, userlist, and what of defaults is of the whole process.

local code = require "neap.convert.code"

local global = {}

local SET = { user = "user", group = "group", pidfile = "pid_file" }

local function digits(text) return text and text:find "^[1-9]%d?%d?%d?%d?%d?$" and text end

-- log /dev/log local0, log stdout …
local function log(job, line)
  if job.top:get "log" then return end
  local target = line[2] or ""
  local t = code.table()
  if target == "stderr" or target:find "^fd@2" then
    return
  elseif target == "stdout" or target:find "^fd@1" then
    t:set("target", '"stderr"')
    job.access_target = "stdout"
  else
    t:set("target", '"syslog"')
    job.access_target = "syslog"
    if target ~= "/dev/log" then
      job.top:remark(job.notes:other(line, ("log %s: to syslog of this machine"):format(target)))
    end
  end
  job.top:set("log", t)
end

local function bind_options(job, line)
  for i = 2, #line do
    if line[i] == "ssl-min-ver" then job.min_version = line[i + 1] end
    if line[i] == "no-tlsv12" then job.min_version = "TLSv1.3" end
    if line[i] == "no-tls-tickets" then job.no_tickets = true end
  end
end

local function one(job, line)
  local word, value = line[1], line[2]
  if SET[word] and value then
    job.top:set(SET[word], code.text(value))
  elseif word == "nbthread" and digits(value) then
    job.top:set("workers", tostring(math.min(tonumber(value), 64)))
  elseif word == "maxconn" then
    job.maxconn = value
  elseif word == "log" then
    log(job, line)
  elseif word == "ca-base" or word == "crt-base" then
    job.bases[word] = value
  elseif word == "ssl-default-bind-ciphers" then
    job.ciphers = value
  elseif word == "ssl-default-bind-options" then
    bind_options(job, line)
  elseif word == "stats" and value == "socket" then
    job.top:remark(job.notes:other(line, 'stats socket: admin = { listen = "unix:/run/neap.sock", '
      .. "token = … } is like it"))
  end
end

function global.convert(job, section)
  job:tell(section, job.top)
  for _, line in ipairs(section.lines) do one(job, line) end
end

-- userlist: users with plain passwords.
function global.userlist(job, section)
  local t = code.table()
  for _, line in ipairs(section.lines) do
    if line[1] == "user" then
      if line[3] == "insecure-password" then
        t:set(line[2] or "", code.text(line[4] or ""))
      else
        job.top:remark(job.notes:lacks(line, ("the password of '%s' is hashed: only "
          .. "insecure-password can be compared here"):format(tostring(line[2]))))
      end
    end
  end
  local name = section.name or ""
  job.userlists[name] = true
  job.constants_out:add("USERS[%s] = %s", code.text(name), code.render(t, 0))
end

return global
