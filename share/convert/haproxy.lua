-- What policies begin with that were HAProxy's configuration (lua/neap/convert/prelude.lua): of
-- these functions those that they use. Each stands behind those that it uses itself.

local neap = require "neap"

--: regex
local function regex(pattern, flags) return assert(neap.regex.new(pattern, flags)) end

--: matches
-- A match that takes too long counts as none.
local function matches(pattern, value) return value ~= nil and pattern:find(value) ~= nil end

--: replaced
local function replaced(pattern, value, by, max)
  return value and (pattern:gsub(value, by, max) or value)
end

--: lower
local function lower(value) return value and value:lower() end

--: upper
local function upper(value) return value and value:upper() end

--: decoded
local function decoded(value) return value and (neap.url.decode(value) or value) end

--: field
-- The n-th part of a text.
local function field(value, n, delimiter)
  local i, plain = 0, delimiter:gsub("%W", "%%%0")
  for part in ((value or "") .. delimiter):gmatch("([^" .. plain .. "]*)" .. plain) do
    i = i + 1
    if i == n then return part end
  end
end

--: path_of
-- As rules have made it.
local function path_of(r) return r.target_path or "" end

--: query_of
local function query_of(r) return r.query and "?" .. r.query or "" end

--: argument
local function argument(r, name)
  local args = r:args(1000)
  return args and args[name]
end

--: slashed
local function slashed(path) return path:sub(-1) == "/" and path or path .. "/" end

--: port_of
-- That the client asked for.
local function port_of(r)
  return tonumber((r.host or ""):match ":(%d+)$") or (r.scheme == "https" and 443 or 80)
end

--: add_header
local function add_header(r, name, value)
  local old = r:header(name)
  r:set_header(name, old and old .. ", " .. value or value)
end

--: replace_header
-- The whole value, or with `parts` what matches in it.
local function replace_header(message, name, pattern, by, parts)
  local value = message:header(name)
  if not value then return end
  if not parts then
    local first, last = pattern:find(value)
    if first ~= 1 or last ~= #value then return end
  end
  message:set_header(name, (pattern:gsub(value, by)))
end

--: equals
local function equals(value, pattern) return value == pattern end

--: begins
local function begins(value, pattern) return value:sub(1, #pattern) == pattern end

--: ends
local function ends(value, pattern) return pattern == "" or value:sub(-#pattern) == pattern end

--: contains
local function contains(value, pattern) return value:find(pattern, 1, true) ~= nil end

--: in_folder
-- A part between slashes.
local function in_folder(value, pattern)
  return ("/" .. value .. "/"):find("/" .. pattern .. "/", 1, true) ~= nil
end

--: in_domain
-- A part between dots, slashes and colons.
local function in_domain(value, pattern)
  local text = "." .. value:gsub("[/:?]", ".") .. "."
  return text:find("." .. pattern .. ".", 1, true) ~= nil
end

--: fits
-- Does a text fit a pattern, or one of a list?
local function fits(test, value, patterns)
  if value == nil then return false end
  if type(patterns) == "string" then return test(value, patterns) end
  for i = 1, #patterns do
    if test(value, patterns[i]) then return true end
  end
  return false
end

--: one_fits
-- Does one of the values of a header field, which commas separate?
local function one_fits(test, value, patterns)
  if value == nil then return false end
  for part in value:gmatch "[^,]+" do
    if fits(test, part:match "^%s*(.-)%s*$", patterns) then return true end
  end
  return false
end

--: authorized
local function user_and_password(r)
  local sent = (r:header "authorization" or ""):match "^[Bb]asic +(%S+)$"
  return (sent and neap.base64.decode(sent) or ""):match "^([^:]*):(.*)$"
end

local function authorized(r, users)
  local user, password = user_and_password(r)
  return user ~= nil and users[user] ~= nil and neap.crypto.equal(users[user], password)
end

--: new_table
-- A stick table: what is counted, by name, with the seconds of its window.
local function new_table(store, expire, counts)
  return { store = neap.shared(store), expire = expire, counts = counts,
    current = counts.conn_cur and neap.concurrency { limit = 1e6, store = store } }
end

--: add
-- Counts, and says how many there are.
local function add(t, key, name)
  local window = t.counts[name .. "_rate"]
  if type(window) == "number" then t.store:count(name .. "_rate " .. key, 1, window) end
  if not t.counts[name] and not t.counts[name .. "_cnt"] then return 0 end
  return t.store:increment(name .. " " .. key, 1, 0, t.expire) or 0
end

--: look
local function look(t, key, name)
  if name == "conn_cur" then return t.current and t.current:inside(key) or 0 end
  local window = t.counts[name]
  if type(window) == "number" then return t.store:count(name .. " " .. key, 0, window) or 0 end
  return t.store:get((name:gsub("_cnt$", "") .. " " .. key)) or 0
end

--: track
-- The first key of a number holds for the request.
local function track(r, number, t, key)
  local name = "sc" .. number
  if r.ctx[name] or key == "" then return end
  r.ctx[name] = { table = t, key = key }
  if t.current then t.current:enter(key) end
  add(t, key, "http_req")
  add(t, key, "conn")
end

--: look_tracked
local function look_tracked(r, number, name)
  local at = r.ctx["sc" .. number]
  return at and look(at.table, at.key, name) or 0
end

--: add_tracked
local function add_tracked(r, number, name)
  local at = r.ctx["sc" .. number]
  return at and add(at.table, at.key, name) or 0
end

--: count_outcome
-- Errors and bytes of what was tracked.
local function count_outcome(r, outcome)
  for number = 0, 2 do
    local at = r.ctx["sc" .. number]
    if at then
      if outcome.status >= 400 and outcome.status < 500 then add(at.table, at.key, "http_err") end
      local window = at.table.counts.bytes_out_rate
      if type(window) == "number" then
        at.table.store:count("bytes_out_rate " .. at.key, outcome.bytes, window)
      end
    end
  end
end

--: draft
-- Collects what rules add to an answer of our own.
local draft = {}
draft.__index = draft

function draft:add_header(name, value)
  local old = self.headers[name]
  self.headers[name] = old and { old, value } or value
end

function draft:set_header(name, value) self.headers[name] = value end
function draft:header(name) return self.headers[name] end

--: reply
local function reply(r, status, body, headers)
  local d = setmetatable({ headers = headers or {}, status = status }, draft)
  if r.ctx.after then r.ctx.after(r, d) end
  return neap.reply { status = status, body = body or "", headers = d.headers }
end

--: policy_of
-- The hooks of a frontend: its rules, the choice of a backend, the rules of that.
local function policy_of(front, backs)
  local policy = {}

  function policy.request(r)
    r.ctx.after = front.after
    local answer = front.connection and front.connection(r) or front.request and front.request(r)
    if answer then return answer end
    local name = front.route(r)
    if not name then return reply(r, 503) end
    r.ctx.pool = name
    local back = backs[name]
    if back and back.request then return back.request(r) end
  end

  function policy.backends(r) return r.ctx.pool and neap.pool(r.ctx.pool) end

  function policy.response(r, _, a)
    local back = backs[r.ctx.pool]
    if back and back.response then back.response(r, a) end
    if front.response then front.response(r, a) end
    if front.after then front.after(r, a) end
  end

  return policy
end

--: end

-- For luacheck: all are used.
return { regex, matches, replaced, lower, upper, decoded, field, query_of, argument, slashed,
  port_of, add_header, replace_header, equals, begins, ends, contains, in_folder, in_domain,
  one_fits, authorized, new_table, track, look_tracked, add_tracked, count_outcome, policy_of,
  path_of }
