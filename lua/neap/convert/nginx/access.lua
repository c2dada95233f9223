-- Who may pass: limit_req, limit_conn, allow, deny, auth_basic, limit_except; as lines.

local code = require "neap.convert.code"
local levels = require "neap.convert.nginx.levels"
local variables = require "neap.convert.nginx.variables"

local access = {}

local function option(node, name)
  for _, word in ipairs(node.args) do
    local value = word:match("^" .. name .. "=(.*)$") -- linear: anchored; a name of ours
    if value then return value end
  end
end

-- "10r/s", "30r/m"
local function rate_of(text)
  local n, per = (text or ""):match "^(%d+)r/([sm])$"
  return n and #n < 10 and n, per == "m" and 60 or 1
end

-- The expression of who is counted: the request stands for its client.
local function key_of(zone, scope)
  local key = zone.args[1] or ""
  if key == "$binary_remote_addr" or key == "$remote_addr" then return "r" end
  return variables.compile(key, scope)
end

local function status(list, name)
  local text = levels.word(list, name) or ""
  return text:find "^[45]%d%d$" and text or "503"
end

local function check(out, test, key, answer)
  if key == "r" then
    return out:add("if not %s then return %s end", test, answer)
  end
  out:add("if %s ~= \"\" and not %s then return %s end", key, test, answer)
end

local function limit_req(job, out, node, scope, list)
  local zone = job.req_zones[option(node, "zone")]
  local n, per = rate_of(zone and option(zone, "rate"))
  local key, why
  if zone then key, why = key_of(zone, scope) end
  if not n or not key then
    return out:remark(job.notes:lacks(node, "limit_req: " .. (why or "its zone is not known")))
  end
  local text = option(node, "burst") or ""
  local burst = text:find "^%d%d?%d?%d?%d?%d?$" and tonumber(text) or 0
  local is_at_once = false
  for _, word in ipairs(node.args) do is_at_once = is_at_once or word == "nodelay" end
  if burst > 0 and not is_at_once then
    out:remark(job.notes:other(node,
      "limit_req: a burst passes at once, as with nodelay; nginx makes it wait"))
  end
  local name = job:limit("limit", option(node, "zone"), code.table():set("rate", n)
    :set("per", per ~= 1 and tostring(per) or nil):set("burst", code.number(burst + 1)))
  check(out, ("%s:take(%s)"):format(name, key), key,
    ("reply(r, %s)"):format(status(list, "limit_req_status")))
end

local function limit_conn(job, out, node, scope, list)
  local zone = job.conn_zones[node.args[1]]
  local key, why
  if zone then key, why = key_of(zone, scope) end
  if not key or not (node.args[2] or ""):find "^[1-9]%d?%d?%d?%d?%d?$" then
    return out:remark(job.notes:lacks(node, "limit_conn: " .. (why or "its zone is not known")))
  end
  local name = job:limit("concurrency", node.args[1], code.table():set("limit", node.args[2]))
  check(out, ("%s:enter(%s)"):format(name, key), key,
    ("reply(r, %s)"):format(status(list, "limit_conn_status")))
end

local function rule(node)
  if node.args[1] == "all" or node.args[1] == "unix:" then
    return ('{ "%s", "%s" }'):format(node.name, node.args[1])
  end
  return ('{ "%s", assert(neap.ip.set { %s }) }'):format(node.name, code.text(node.args[1] or ""))
end

-- allow and deny are inherited together.
local function rules_of(list) return (levels.all(list, "allow or deny")) end

local function addresses(job, nodes)
  local rows = code.table()
  for _, node in ipairs(nodes) do rows:add(rule(node)) end
  return job:constant("rules", code.render(rows, 0))
end

local function users(job, out, node)
  local t = code.table()
  local path = job:path(node.args[1] or "")
  local file, why = io.open(path, "rb")
  if not file then
    out:remark(job.notes:lacks(node, "auth_basic_user_file: " .. why))
    return job:constant("users", "{}")
  end
  local text = file:read(2^20) or ""
  file:close()
  for line in text:gmatch "[^\r\n]+" do
    local user, kept = line:match "^([^:#]+):([^:]*)"
    if kept and (kept:find "^{SHA}" or kept:find "^{PLAIN}") then
      t:set(user, code.text(kept))
    elseif kept then
      out:remark(job.notes:lacks(node, ("the password of '%s': only {SHA} and {PLAIN} can be "
        .. "compared here"):format(user)))
    end
  end
  return job:constant("users", code.render(t, 0))
end

local function auth_basic(list)
  local realm = levels.word(list, "auth_basic")
  if not realm or realm == "off" then return nil end
  return realm, levels.last(list, "auth_basic_user_file")
end

local function must_be_known(job, out, realm, file)
  out:add("if not authorized(r, %s) then", file and users(job, out, file) or "{}")
  out:add("  return reply(r, 401, \"\", { [\"WWW-Authenticate\"] = %s })",
    code.text(('Basic realm="%s"'):format(realm)))
  out:add("end")
end

local function limit_except(job, out, node)
  local methods = {}
  for _, word in ipairs(node.args) do
    methods[word] = true
    if word == "GET" then methods.HEAD = true end
  end
  local rules = rules_of { node.block or {} }
  if #rules == 0 then
    return out:remark(job.notes:lacks(node, "limit_except: only with allow and deny"))
  end
  local t = code.table()
  for _, word in ipairs { "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS" } do
    if methods[word] then t:set(word, "true") end
  end
  out:add("if not (%s)[r.method] and not allowed(%s, r.client_ip) then return reply(r, 403) end",
    code.render(t, 1), addresses(job, rules))
end

---@param list table[]  the levels of the location
function access.emit(job, out, list, scope)
  for _, node in ipairs((levels.all(list, "limit_req"))) do
    limit_req(job, out, node, scope, list)
  end
  for _, node in ipairs((levels.all(list, "limit_conn"))) do
    limit_conn(job, out, node, scope, list)
  end
  for _, node in ipairs(levels.here(list[#list], "limit_except")) do
    limit_except(job, out, node)
  end
  local rules = rules_of(list)
  local realm, file = auth_basic(list)
  local satisfy = levels.last(list, "satisfy")
  if satisfy and satisfy.args[1] == "any" and realm and #rules > 0 then
    out:open("if not allowed(%s, r.client_ip, false) then", addresses(job, rules))
    must_be_known(job, out, realm, file)
    return out:close("end")
  end
  if #rules > 0 then
    out:add("if not allowed(%s, r.client_ip) then return reply(r, 403) end", addresses(job, rules))
  end
  if realm then must_be_known(job, out, realm, file) end
end

return access
