-- What policies begin with that were nginx's configuration (lua/neap/convert/prelude.lua): of these
-- functions those that they use. Each stands behind those that it uses itself.

local neap = require "neap"

--: AGAIN
local AGAIN = {} -- the path was rewritten: the location is chosen anew

--: regex
local function regex(pattern, flags) return assert(neap.regex.new(pattern, flags)) end

--: matches
-- A match that takes too long counts as none.
local function matches(pattern, text, m)
  local found = pattern:match(text)
  for key, value in pairs(found or {}) do m[key] = value or "" end
  return found ~= nil
end

--: host_of
-- The host that is asked for: in lower case, without the port.
local function host_of(r) return ((r.host or ""):lower():gsub(":%d+$", "")) end

--: uri_of
-- Path and query as nginx has them now: as sent, or rewritten.
local function uri_of(r) return r.ctx.uri or r.normal_path or r.path end

--: args_of
local function args_of(r) return r.ctx.args or r.query or "" end

--: arg
local function arg(r, name)
  for key, value in args_of(r):gmatch "([^&=]+)=?([^&]*)" do
    if key:lower() == name then return value end
  end
  return ""
end

--: request_uri
local function request_uri(r) return r.path .. (r.query and "?" .. r.query or "") end

--: absolute
local function absolute(r, path) return r.scheme .. "://" .. (r.host or "") .. path end

--: draft
-- Collects what the headers of a location add to an answer of our own.
local draft = {}
draft.__index = draft

function draft:add_header(name, value)
  local old = self.headers[name]
  self.headers[name] = old and { old, value } or value
end

function draft:set_header(name, value) self.headers[name] = value end

--: reply
local function reply(r, status, body, headers)
  local d = setmetatable({ headers = headers or {} }, draft)
  if r.ctx.headers then r.ctx.headers(r, d, status) end
  return neap.reply { status = status, body = body or "", headers = d.headers }
end

--: redirect
local function redirect(r, status, url)
  if url:sub(1, 1) == "/" then url = absolute(r, url) end
  return reply(r, status, "", { Location = url })
end

--: USUAL
-- Without `always`, add_header is for these.
local USUAL = { [200] = true, [201] = true, [204] = true, [206] = true, [301] = true, [302] = true,
  [303] = true, [304] = true, [307] = true, [308] = true }

--: set_uri
local function set_uri(r, uri, keeps_args)
  local path, args = uri:match "^([^?]*)%??(.*)$"
  local old = args_of(r)
  if keeps_args and old ~= "" then args = args == "" and old or args .. "&" .. old end
  r.ctx.uri, r.ctx.args, r.ctx.rewritten = path, args, true
end

--: pass
-- To this pool; `path`: another one for the backend.
local function pass(r, pool, path)
  r.ctx.pool = pool
  if path or r.ctx.rewritten then
    local args = args_of(r)
    path = path or r.ctx.uri
    r:set_path(path .. (args ~= "" and not path:find("?", 1, true) and "?" .. args or ""))
  end
end

--: allowed
-- The first rule that fits decides; if none does, `otherwise`, true when it is not given. On unix
-- sockets clients have no address.
local function allowed(rules, ip, otherwise)
  for _, rule in ipairs(rules) do
    local net = rule[2]
    if net == "all" or (net == "unix:" and ip == "") or (net ~= "unix:" and net:has(ip)) then
      return rule[1] == "allow"
    end
  end
  return otherwise ~= false
end

--: authorized
local function authorized(r, users)
  local sent = (r:header "authorization" or ""):match "^[Bb]asic +(%S+)$"
  local user, password = (sent and neap.base64.decode(sent) or ""):match "^([^:]*):(.*)$"
  local kept = user and users[user]
  if not kept then return false end
  local sha = kept:match "^{SHA}(.*)$"
  if sha then return neap.crypto.equal(sha, neap.crypto.sha1(password, "base64")) end
  return neap.crypto.equal(kept:match "^{PLAIN}(.*)$" or "", password)
end

--: address_value
-- geo: the smallest network that has the address.
local function address_value(rows, default, ip)
  for _, row in ipairs(rows) do
    if row[1]:has(ip) then return row[2] end
  end
  return default
end

--: first_of
local function first_of(rows, fits)
  for _, row in ipairs(rows or {}) do
    if fits(row[1]) then return row[2] end
  end
end

--: map_value
-- map: an exact text, then names with a star, then the patterns in their order.
local function map_value(map, r, text)
  local low, m = text:lower(), {}
  local value = map.exact[low]
    or first_of(map.heads, function(head) return low:sub(-#head) == head end)
    or first_of(map.tails, function(tail) return low:sub(1, #tail) == tail end)
    or first_of(map.patterns, function(pattern) return matches(pattern, text, m) end)
    or map.default or ""
  return type(value) == "function" and value(r, m) or value
end

--: new_place
local function new_place(place)
  place.exact, place.prefixes, place.patterns = {}, {}, {}
  return place
end

--: location
-- kind: "" (a prefix), "=", "^~", "~", "~*", as nginx has them.
local function location(place, kind, path, handle)
  local new = new_place { kind = kind, path = path, handle = handle }
  if kind == "=" then
    place.exact[path] = new
  elseif kind == "~" or kind == "~*" then
    new.pattern = regex(path, kind == "~*" and "i" or "")
    table.insert(place.patterns, new)
  else
    table.insert(place.prefixes, new)
    table.sort(place.prefixes, function(a, b) return #a.path > #b.path end)
  end
  return new
end

--: find
-- The location of a path, as nginx chooses it; and is it final, against the patterns around?
local function find(place, path, m)
  local best, found, is_final = place.exact[path], nil, false
  if best then return best, true end
  for _, prefix in ipairs(place.prefixes) do
    if path .. "/" == prefix.path and prefix.adds_slash then return prefix.adds_slash, true end
    if path:sub(1, #prefix.path) == prefix.path then
      best = prefix
      break
    end
  end
  if best then found, is_final = find(best, path, m) end
  if is_final then return found, true end
  if not (best and best.kind == "^~") then
    for _, pattern in ipairs(place.patterns) do
      if matches(pattern.pattern, path, m) then
        return find(pattern, path, m) or pattern, true
      end
    end
  end
  return found or best, false
end

--: slash
-- nginx sends clients from /api to /api/ when a location that proxies has the second.
local function slash(place, headers)
  place.adds_slash = { handle = function(r)
    r.ctx.headers = headers
    local args = args_of(r)
    return redirect(r, 301, place.path .. (args ~= "" and "?" .. args or ""))
  end }
end

--: enter_named
-- Goes on in a location with a name (@app).
local function enter_named(site, r, m, name)
  local handle = site.named[name]
  if not handle then return reply(r, 500) end
  return handle(r, m)
end

--: failed
-- proxy_next_upstream timeout: a backend that is slow is asked about, and another one is tried.
local function failed(_request, backend, failure)
  if failure.stage == "connect" then
    backend:down(failure.message)
  else
    backend:suspect(failure.message)
  end
  return "retry"
end

--: enter
-- In a site: its own rules, then those of the location. A path may be rewritten ten times.
local function enter(site, r, m)
  if site.settings then site.settings(r) end
  if site.before then
    local answer = site.before(r, m)
    if answer and answer ~= AGAIN then return answer end
  end
  for _ = 1, 11 do
    local at = find(site, uri_of(r), m)
    if not at then return reply(r, 404) end
    local answer = at.handle(r, m)
    if answer ~= AGAIN then return answer end
  end
  return reply(r, 500)
end

--: new_site
local function new_site(names)
  return new_place { names = names, named = {} }
end

--: add_name
local function add_name(index, site, name)
  if name:sub(1, 1) == "~" then
    table.insert(index.patterns, { regex(name:sub(2), "i"), site })
  elseif name:sub(1, 2) == "*." then
    table.insert(index.heads, { name:sub(2), site })
  elseif name:sub(-2) == ".*" then
    table.insert(index.tails, { name:sub(1, -2), site })
  elseif name:sub(1, 1) == "." then
    index.exact[name:sub(2)] = index.exact[name:sub(2)] or site
    table.insert(index.heads, { name, site })
  else
    index.exact[name] = index.exact[name] or site
  end
end

--: index_of
-- Sites by their names; of those with a star, the longest first.
local function index_of(sites)
  local index = { exact = {}, heads = {}, tails = {}, patterns = {} }
  for _, site in ipairs(sites) do
    for _, name in ipairs(site.names) do add_name(index, site, name) end
  end
  for _, list in ipairs { index.heads, index.tails } do
    table.sort(list, function(a, b) return #a[1] > #b[1] end)
  end
  return index
end

--: site_of
local function site_of(index, host, m)
  if index.exact[host] then return index.exact[host] end
  for _, row in ipairs(index.heads) do
    if host:sub(-#row[1]) == row[1] then return row[2] end
  end
  for _, row in ipairs(index.tails) do
    if host:sub(1, #row[1]) == row[1] then return row[2] end
  end
  for _, row in ipairs(index.patterns) do
    if matches(row[1], host, m) then return row[2] end
  end
end

--: policy_of
-- The hooks of a service; the first site is for all names that no other one has.
local function policy_of(sites)
  local index, policy = index_of(sites), {}

  function policy.request(r)
    if not r.normal_path then return neap.reply { status = 400 } end
    local m = {}
    return enter(site_of(index, host_of(r), m) or sites[1], r, m)
  end

  function policy.backends(r) return r.ctx.pool and neap.pool(r.ctx.pool) end

  function policy.response(r, _, response)
    if r.ctx.headers then r.ctx.headers(r, response, response.status) end
  end

  return policy
end

--: end

-- For luacheck: all are used.
return { USUAL, request_uri, arg, redirect, set_uri, pass, allowed, authorized, address_value,
  map_value, failed, location, slash, enter_named, new_site, policy_of }
