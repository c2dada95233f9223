-- listen: the addresses of server blocks, and which servers share one.

local levels = require "neap.convert.nginx.levels"

local listen = {}

local FLAGS = { ssl = true, proxy_protocol = true, default_server = true, default = true,
  udp = true }
local QUIET = { http2 = true, reuseport = true, deferred = true, bind = true, quic = false,
  spdy = true }

-- "80", "*:80", "127.0.0.1", "[::1]:443", "unix:/path" → an address of neap
local function address_of(text, port)
  if text:find "^unix:" then return text end
  if text:find "^%d+$" then return "0.0.0.0:" .. text end
  if text:find "^%*" then return "0.0.0.0" .. (text:match "^%*(:%d+)$" or ":" .. port) end
  if text:find "^%[" then return text:find "%]:%d+$" and text or text .. ":" .. port end
  local host, own = text:match "^([^:]+):(%d+)$"
  if not host then host, own = text:match "^[^:]+$", "" end
  if not host then return nil end
  if host == "localhost" then host = "127.0.0.1" end
  return host .. ":" .. (own ~= "" and own or port)
end

local function parse(job, node, port)
  local one = { node = node, address = address_of(node.args[1] or "", port) }
  for i = 2, #node.args do
    local word = node.args[i]
    if FLAGS[word] then
      one[word] = true
    elseif QUIET[word] == nil and not word:find "=" then
      job.top:remark(job.notes:lacks(node, "listen: " .. word))
    elseif QUIET[word] == false then
      job.top:remark(job.notes:lacks(node, "listen quic: neap speaks no HTTP/3"))
      return nil
    end
  end
  if one.default then one.default_server = true end
  if not one.address then
    job.top:remark(job.notes:lacks(node, "listen: no address: " .. tostring(node.args[1])))
    return nil
  end
  return one
end

---@return table[]  -- { address =, ssl =, proxy_protocol =, default_server =, udp =, node = }
function listen.of(job, server)
  local list = {}
  local nodes = levels.here(server.block, "listen")
  for _, node in ipairs(nodes) do table.insert(list, parse(job, node, "80")) end
  if #nodes == 0 then
    table.insert(list, { address = "0.0.0.0:80", node = server })
  end
  local is_ssl = levels.word({ server.block }, "ssl") == "on"
  for _, one in ipairs(list) do one.ssl = one.ssl or is_ssl end
  return list
end

local function find_or_add(list, index, one)
  local entry = index[one.address]
  if not entry then
    entry = { address = one.address, servers = {} }
    index[one.address] = entry
    table.insert(list, entry)
  end
  return entry
end

-- The addresses, each with its servers; the default one is the first.
---@return table[]
function listen.addresses(job, servers)
  local list, index = {}, {}
  for _, server in ipairs(servers) do
    for _, one in ipairs(listen.of(job, server)) do
      local entry = find_or_add(list, index, one)
      entry.ssl = entry.ssl or one.ssl
      entry.udp = entry.udp or one.udp
      entry.proxy_protocol = entry.proxy_protocol or one.proxy_protocol
      local at = one.default_server and 1 or #entry.servers + 1
      if entry.servers[#entry.servers] ~= server then table.insert(entry.servers, at, server) end
    end
  end
  return list
end

local function key_of(entry)
  local parts = { tostring(entry.proxy_protocol), tostring(entry.udp) }
  for _, server in ipairs(entry.servers) do table.insert(parts, tostring(server)) end
  return table.concat(parts, " ")
end

-- 0.0.0.0:80 and [::]:80 are :80.
local function joined(entries)
  local by_port, list = {}, {}
  for _, entry in ipairs(entries) do
    local port = entry.address:match "^%[::%]:(%d+)$"
    if port then by_port[port] = entry end
  end
  local taken = {}
  for _, entry in ipairs(entries) do
    local port = entry.address:match "^0%.0%.0%.0:(%d+)$"
    local twin = port and by_port[port]
    if twin and not twin.ssl == not entry.ssl then
      taken[twin] = true
      entry.address = ":" .. port
    end
  end
  for _, entry in ipairs(entries) do
    if not taken[entry] then table.insert(list, entry) end
  end
  return list
end

-- Addresses with the same servers are one service.
---@return table[]  -- { servers =, addresses =, proxy_protocol =, udp = }
function listen.services(job, servers)
  local list, index = {}, {}
  for _, entry in ipairs(listen.addresses(job, servers)) do
    local key = key_of(entry)
    local service = index[key]
    if not service then
      service = { servers = entry.servers, addresses = {}, udp = entry.udp,
        proxy_protocol = entry.proxy_protocol }
      index[key] = service
      table.insert(list, service)
    end
    table.insert(service.addresses, entry)
  end
  for _, service in ipairs(list) do service.addresses = joined(service.addresses) end
  return list
end

return listen
