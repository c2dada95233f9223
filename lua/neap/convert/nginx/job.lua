-- What a conversion of nginx's configuration has gathered so far.

local code = require "neap.convert.code"
local levels = require "neap.convert.nginx.levels"
local lines = require "neap.convert.lines"
local maps = require "neap.convert.nginx.maps"
local source = require "neap.convert.source"

local Job = {}
Job.__index = Job

-- A path as nginx has it: relative to the folder of its main file.
function Job:path(path)
  if path:sub(1, 1) == "/" or path == "" then return path end
  return self.folder .. "/" .. path
end

function Job:next(what)
  self.counts[what] = (self.counts[what] or 0) + 1
  return self.counts[what]
end

-- Its expression, written once for each pattern.
function Job:regex(pattern, flags)
  local key = flags .. " " .. pattern
  if not self.patterns[key] then
    local name = ("RE[%d]"):format(self:next "regex")
    self.patterns[key] = name
    self.constants_out:add("%s = regex(%s%s)", name, code.pattern(pattern),
      flags ~= "" and ", " .. code.text(flags) or "")
  end
  return self.patterns[key]
end

local CONSTANTS = { rules = "RULES", users = "USERS" }

-- Its expression, written once for each text.
function Job:constant(kind, text)
  local key = kind .. " " .. text
  if not self.patterns[key] then
    local name = ("%s[%d]"):format(CONSTANTS[kind], self:next(kind))
    self.patterns[key] = name
    self.constants_out:add("%s = %s", name, text)
  end
  return self.patterns[key]
end

-- kind: "limit" or "concurrency".
function Job:limit(kind, zone, options)
  local key = ("%s %s %s"):format(kind, tostring(zone), code.render(options, 1))
  if not self.patterns[key] then
    local name = code.free_name(self.limit_names, tostring(zone))
    options:set("name", code.text(name))
    self.patterns[key] = ("LIMITS[%s]"):format(code.text(name))
    self.constants_out:add("%s = neap.%s %s", self.patterns[key], kind, code.render(options, 1))
  end
  return self.patterns[key]
end

-- A variable of `set`, map, geo or split_clients.
function Job:own_variable(name)
  if self.maps[name] then
    maps.use(self, name)
    return ("VARIABLES[%s](r)"):format(code.text(name))
  end
  if self.assigned[name] then return ('(r.ctx[%s] or "")'):format(code.text("$" .. name)) end
end

-- What the innermost block that says it gives to answers of our own.
function Job.default_type(_job, list)
  return levels.word(list, "default_type") or "text/plain"
end

function Job:add_policy(title, text, out)
  local name = code.free_name(self.policy_names, title)
  table.insert(self.policies, { name = name, text = text })
  out:set("policy", { policy = name })
end

local function listen_rows(addresses, is_mixed)
  local t = code.table()
  for _, one in ipairs(addresses) do
    local address = code.text(one.address)
    t:add(is_mixed and code.table():set("address", address):set("tls", tostring(one.ssl == true))
      or address)
  end
  return #t.items == 1 and not is_mixed and t.items[1].value or t
end

-- listen, and what goes with it.
function Job.listen(_job, service, out)
  local ssl = 0
  for _, one in ipairs(service.addresses) do ssl = ssl + (one.ssl and 1 or 0) end
  out:set("listen", listen_rows(service.addresses, ssl > 0 and ssl < #service.addresses))
  if service.proxy_protocol then out:set("proxy_protocol", "true") end
  service.has_tls = ssl > 0
end

---@param notes table
---@param path string  of the main file
return function(notes, path)
  return setmetatable({
    notes = notes, folder = source.full_folder_of(path), counts = {}, patterns = {}, headers = {},
    maps = {}, assigned = {}, constants = {}, upstreams = {}, pools = {}, pool_names = {},
    limit_names = {}, policy_names = {}, policies = {}, req_zones = {}, conn_zones = {},
    constants_out = lines(0), maps_out = lines(0), sites_out = lines(0),
    top = code.table(), services = code.table(), pool_table = code.table(),
  }, Job)
end
