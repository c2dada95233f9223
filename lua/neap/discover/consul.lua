-- Backends from consul: the instances of a service that are well, asked for by blocking queries: a
-- question has the index of the answer before, and is held until there is another one.

local address = require "neap.config.address"
local neap = require "neap"
local web = require "neap.discover.web"

local LOCAL = "http://127.0.0.1:8500"
local SPARE = 15 -- seconds: consul holds a question up to a sixteenth longer than it was asked to
local PAUSE = 0.05 -- between two answers, so that one that changes all the time is not asked always

local function query(settings, index)
  local parts = {}
  local function add(name, value)
    if value then table.insert(parts, name .. "=" .. neap.url.encode(tostring(value))) end
  end
  add("passing", settings.passing and 1)
  add("dc", settings.datacenter)
  add("tag", settings.tag)
  add("index", index)
  add("wait", index and settings.wait and ("%ds"):format(math.ceil(settings.wait)))
  return ("/v1/health/service/%s?%s"):format(neap.url.encode(settings.service),
    table.concat(parts, "&"))
end

-- Without `passing`, what is under maintenance is still left out.
local function is_wanted(entry, settings)
  if settings.passing then return true end
  for _, check in ipairs(type(entry.Checks) == "table" and entry.Checks or {}) do
    local id = tostring(check.CheckID)
    if id == "_node_maintenance" or id:find "^_service_maintenance" then return false end
  end
  return true
end

local function weight_of(service)
  local weight = type(service.Weights) == "table" and service.Weights.Passing
  return type(weight) == "number" and weight >= 0 and weight <= 1000 and weight or nil
end

local function tags_of(service)
  local tags = {}
  if type(service.Meta) == "table" then
    for key, value in pairs(service.Meta) do tags[key] = value end
  end
  for _, tag in ipairs(type(service.Tags) == "table" and service.Tags or {}) do tags[tag] = true end
  return tags
end

local function member_of(entry)
  local service = type(entry.Service) == "table" and entry.Service or {}
  local node = type(entry.Node) == "table" and entry.Node or {}
  local host = service.Address
  if type(host) ~= "string" or host == "" then host = tostring(node.Address) end
  return {
    url = address.with_port(host, service.Port),
    weight = weight_of(service), tags = tags_of(service), revision = service.ModifyIndex,
  }
end

local function members_of(entries, settings)
  local list = {}
  for _, entry in ipairs(entries) do
    if type(entry) ~= "table" then return nil, "there is an instance that is none" end
    if is_wanted(entry, settings) then table.insert(list, member_of(entry)) end
  end
  return list
end

-- The index for the next question. One that went back, or is 0, says that consul begins anew.
local function next_index(answer, before)
  local index = tonumber(answer:header "x-consul-index" or "")
  if not index or index < 1 then return nil end
  return (not before or index >= before) and index or nil
end

local function ask(settings, registry, index)
  local token, why = web.token(settings)
  if why then return nil, why end
  local url = web.endpoint(settings, registry, LOCAL) .. query(settings, index)
  return web.ask(settings, {
    url = url, headers = { ["X-Consul-Token"] = token }, timeout = (settings.wait or 0) + SPARE,
  })
end

return function(settings, registry)
  local index
  while true do
    local entries, answer = ask(settings, registry, index)
    if not entries then return nil, answer end
    if type(entries) ~= "table" then return nil, "consul's answer is no list" end
    local before = index
    index = next_index(answer, before)
    if not index or index ~= before then
      local list, why = members_of(entries, settings)
      if not list then return nil, why end
      registry:list(list, index)
    else
      registry:same()
    end
    neap.sleep(settings.wait and index and PAUSE or 1)
  end
end
