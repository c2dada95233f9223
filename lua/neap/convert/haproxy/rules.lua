-- http-request, http-response and their like: rules as lines of Lua.

local acl = require "neap.convert.haproxy.acl"
local code = require "neap.convert.code"
local format = require "neap.convert.haproxy.format"
local units = require "neap.convert.units"

local rules = {}

-- What the rules are about: { job, section, names (of acls), owner ("r" or "a") }.

local actions = {}

local function compiled(c, line, text)
  local expression, why = format.compile(text or "", c.job, c.section)
  if not expression then return nil, ("%s: %s"):format(line[2], why) end
  return expression
end

local function value_of(words, name, first)
  for i = first or 3, #words - 1 do
    if words[i] == name then return words[i + 1] end
  end
end

local function answer_headers(c, line)
  local t = code.table()
  local kind = value_of(line, "content-type")
  if kind then t:set("Content-Type", code.text(kind)) end
  for i = 3, #line - 2 do
    local value = line[i] == "hdr" and compiled(c, line, line[i + 2])
    if value then t:set(line[i + 1], value) end
  end
  return t
end

local function answer_body(c, line)
  for _, word in ipairs { "file", "lf-file", "errorfile", "errorfiles" } do
    if value_of(line, word) then
      return nil, ("%s: a body from a file: neap.reply { file = … }"):format(line[2])
    end
  end
  local text = value_of(line, "string")
  if text then return code.text(text) end
  return compiled(c, line, value_of(line, "lf-string") or "")
end

-- status, content-type, string, lf-string, hdr of deny and return.
local function answer(c, line, default)
  local status = value_of(line, "status") or value_of(line, "deny_status") or default
  if not status:find "^[2-5]%d%d$" then return nil, ("status %s"):format(status) end
  local body, why = answer_body(c, line)
  if not body then return nil, why end
  local t = answer_headers(c, line)
  if not t:is_empty() then
    return ("return reply(r, %s, %s, %s)"):format(status, body, code.render(t, 1))
  end
  return ("return reply(r, %s%s)"):format(status, body ~= '""' and ", " .. body or "")
end

function actions.deny(c, line) return answer(c, line, "403") end
actions["return"] = function(c, line) return answer(c, line, "200") end

local function differs(text, status)
  return function(c, line, out)
    out:remark(c.job.notes:other(line, ("%s: %s"):format(line[2], text)))
    return ("return reply(r, %s)"):format(status)
  end
end

actions.tarpit = differs("neap answers at once", "500")
actions["silent-drop"] = differs("neap answers 403", "403")
actions.reject = differs("neap answers 403", "403")

function actions.allow() return "do return end" end
actions.accept = actions.allow

local function redirect_options(line, first)
  local words, status = {}, "302"
  for i = first, #line do
    if line[i] == "code" then status = line[i + 1] or "" end
    words[line[i]] = true
  end
  return words, status
end

-- Where a redirect leads, by its kind.
local redirects = {}

function redirects.location(to) return to end

function redirects.scheme(to, o)
  to = to:find '^"%w+"$' and to:sub(1, -2) .. '://"' or to .. ' .. "://"'
  return ('%s .. (r.host or "") .. %s'):format(to,
    o["drop-query"] and "path_of(r)" or "path_of(r) .. query_of(r)")
end

function redirects.prefix(to, o)
  local rest = o["append-slash"] and "slashed(path_of(r))" or "path_of(r)"
  if not o["drop-query"] then rest = rest .. " .. query_of(r)" end
  return to == '"/"' and rest or ("%s .. %s"):format(to, rest)
end

function actions.redirect(c, line)
  local first = line[1] == "redirect" and 2 or 3
  local make = redirects[line[first]]
  local o, status = redirect_options(line, first + 2)
  if not make then return nil, ("redirect %s"):format(tostring(line[first])) end
  if not status:find "^30[12378]$" then return nil, "redirect code " .. status end
  local to, why = compiled(c, line, line[first + 1])
  if not to then return nil, why end
  return ("return reply(r, %s, \"\", { Location = %s })"):format(status, make(to, o))
end

actions["set-header"] = function(c, line)
  local value, why = compiled(c, line, line[4])
  if not value then return nil, why end
  return ("%s:set_header(%s, %s)"):format(c.owner, code.text(line[3] or ""), value)
end

actions["add-header"] = function(c, line)
  local value, why = compiled(c, line, line[4])
  if not value then return nil, why end
  if c.owner == "a" then
    return ("a:add_header(%s, %s)"):format(code.text(line[3] or ""), value)
  end
  return ("add_header(r, %s, %s)"):format(code.text(line[3] or ""), value)
end

actions["del-header"] = function(c, line)
  if line[4] == "-m" and line[5] ~= "str" then return nil, "del-header -m " .. tostring(line[5]) end
  return ("%s:set_header(%s, nil)"):format(c.owner, code.text(line[3] or ""))
end

local function replace(c, line, at_start)
  local by = (line[5] or ""):gsub("\\(%d)", "$%1")
  if by:find("%[", 1, true) then return nil, line[2] .. ": a %[ in what replaces" end
  return ("replace_header(%s, %s, %s, %s%s)"):format(c.owner, code.text(line[3] or ""),
    c.job:regex(line[4] or "", ""), code.text(by), at_start)
end

actions["replace-header"] = function(c, line) return replace(c, line, "") end
actions["replace-value"] = function(c, line) return replace(c, line, ", true") end

actions["set-path"] = function(c, line)
  local value, why = compiled(c, line, line[3])
  return value and ("r:set_path(%s)"):format(value), why
end

actions["set-pathq"] = function(c, line)
  local value, why = compiled(c, line, line[3])
  return value and ("r:set_path(%s)"):format(value), why
end

actions["set-query"] = function(c, line)
  local value, why = compiled(c, line, line[3])
  return value and ('r:set_path(path_of(r) .. "?" .. %s)'):format(value), why
end

local function replace_path(subject, more)
  return function(c, line)
    local by = (line[4] or ""):gsub("\\(%d)", "$%1")
    if by:find("%[", 1, true) then return nil, line[2] .. ": a %[ in what replaces" end
    return ("r:set_path(replaced(%s, %s, %s, 1)%s)"):format(c.job:regex(line[3] or "", ""), subject,
      code.text(by), more)
  end
end

actions["replace-path"] = replace_path("path_of(r)", " .. query_of(r)")
actions["replace-pathq"] = replace_path("path_of(r) .. query_of(r)", "")
actions["replace-uri"] = actions["replace-pathq"]

local function set_var(c, line)
  local name = line[2]:match "^[%w_-]+%((.*)%)$" or ""
  if line[2]:find "fmt" then
    local value, why = compiled(c, line, line[3])
    return value and ("r.ctx[%s] = %s"):format(code.text(name), value), why
  end
  local value, why = format.text_of(line[3] or "", c.job, c.section)
  return value and ("r.ctx[%s] = %s"):format(code.text(name), value), why
end

local function unset_var(_, line)
  return ("r.ctx[%s] = nil"):format(code.text(line[2]:match "^[%w_-]+%((.*)%)$" or ""))
end

-- track-sc0 KEY [table NAME]
local function track(c, line)
  local number = line[2]:match "^track%-sc(%d)$"
  local name = c.job.tables:name(value_of(line, "table", 4) or c.section.name)
  if not name then return nil, line[2] .. ": its table is not known" end
  local key, why = format.text_of(line[3] or "", c.job, c.section)
  if not key then return nil, why end
  return ("track(r, %s, TABLES[%s], %s)"):format(number, code.text(name), key)
end

local function count(_, line)
  local what, number = line[2]:match "^sc%-inc%-(gpc%d)%((%d)%)$"
  if not what then return nil, line[2] end
  return ("add_tracked(r, %s, %s)"):format(number, code.text(what))
end

actions["set-timeout"] = function(_, line)
  local seconds = units.seconds(line[4] or "", 0.001)
  if not seconds or (line[3] ~= "server" and line[3] ~= "tunnel") then return nil, "set-timeout" end
  if line[3] == "tunnel" then return nil, "set-timeout tunnel" end
  return ("r:timeouts { response = %s, stream_idle = %s }"):format(code.number(seconds),
    code.number(seconds))
end

function actions.auth(c, line)
  local realm = value_of(line, "realm") or c.section.name or ""
  return ('return reply(r, 401, "", { ["WWW-Authenticate"] = %s })'):format(
    code.text(('Basic realm="%s"'):format(realm)))
end

local QUIET = { capture = true, ["set-log-level"] = true, ["set-nice"] = true, ["set-tos"] = true,
  ["set-mark"] = true, ["disable-l7-retry"] = true, ["strict-mode"] = true }
local CACHE = "neap does not cache answers"
local WHY = { ["cache-use"] = CACHE, ["cache-store"] = CACHE,
  ["use-service"] = "the admin side has /metrics and /status",
  ["set-status"] = "neap passes the backend's status on",
  ["wait-for-body"] = "request:body waits for it" }

local function action_of(line)
  local word = line[1] == "redirect" and "redirect" or line[2] or ""
  if word:find "^set%-var" then return set_var end
  if word:find "^unset%-var%(" then return unset_var end
  if word:find "^track%-sc%d$" then return track end
  if word:find "^sc%-inc%-gpc" then return count end
  return actions[word], word
end

local function first_of_condition(line) return line[1] == "redirect" and 2 or 3 end

-- One rule as lines.
function rules.emit(c, out, line)
  if QUIET[line[2]] then return end
  local action, word = action_of(line)
  if not action then
    return out:remark(c.job.notes:lacks(line, ("%s %s: %s"):format(line[1], tostring(word),
      WHY[word] or "there is no counterpart")))
  end
  local test, at = acl.condition(line, first_of_condition(line), c.job, c.section, c.names)
  if not test then
    return out:remark(c.job.notes:lacks(line, ("%s: %s"):format(table.concat(line, " "), at)))
  end
  local words = setmetatable({ unpack(line, 1, at - 1) }, { __index = { file = line.file,
    line = line.line, name = line.name } })
  local statement, why = action(c, words, out)
  if not statement then
    return out:remark(c.job.notes:lacks(line, ("%s: %s"):format(line[1], tostring(why))))
  end
  if test == "true" then
    return out:add("%s", (statement:gsub("^return .*$", "do %0 end"):gsub("^do do", "do")))
  end
  if #test + #statement < 80 and not statement:find "^do " then
    return out:add("if %s then %s end", test, statement)
  end
  out:open("if %s then", test)
  out:add("%s", statement)
  out:close("end")
end

---@param list table[]  the rules
function rules.emit_all(c, out, list)
  for _, line in ipairs(list) do rules.emit(c, out, line) end
end

return rules
