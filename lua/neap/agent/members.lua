-- A pool's backends: from a checked list to slots on the board, with a record for each.

local address = require "neap.config.address"
local loops = require "neap.config.loops"
local overlay = require "neap.agent.overlay"

local members = {}

local AF_UNIX = "unix"

local COMPARED = {
  "url", "scheme", "host", "port", "base", "path", "weight", "tier", "zone", "slots", "send_proxy",
  "server_name",
}

local function has_same_entries(a, b)
  for key, value in pairs(a) do
    if b[key] ~= value then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function is_same(a, b)
  for _, key in ipairs(COMPARED) do
    if a[key] ~= b[key] then return false end
  end
  return has_same_entries(a.tags or {}, b.tags or {})
    and has_same_entries(a.health or {}, b.health or {})
end

-- "host:port" as log lines name it.
local function target_of(def)
  if def.path ~= "" then return "unix:" .. def.path end
  return address.with_port(def.host, def.port)
end

-- Addresses at which neap itself listens for this pool are left out, and told.
local function without_own(agent, pool, member, def, addresses)
  local list, services = {}, agent.config.services or {}
  member.told_loops = member.told_loops or {}
  for _, ip in ipairs(addresses) do
    local why = ip ~= AF_UNIX and loops.address(ip, def.port, pool, services, agent.host.is_ours)
    if not why then
      table.insert(list, ip)
    elseif not member.told_loops[ip] then
      member.told_loops[ip] = true
      agent.host.log.error("backend %s of pool %s: %s is left out: %s", def.url, pool.name, ip, why)
    end
  end
  return #list == #addresses and addresses or list
end

local function is_literal(host) return address.is_ipv4(host) or address.is_ipv6(host) end

-- The addresses as they are known now.
local function addresses_of(agent, pool, member, def)
  if def.path ~= "" then return { AF_UNIX }, true end
  if is_literal(def.host) then return { def.host }, true end
  local known = {}
  if member.slot then
    known = agent.board.addresses(member.slot)
  else
    local slot = agent.board.find(pool.index, def.name)
    if slot and agent.board.host(slot) == def.host then known = agent.board.addresses(slot) end
  end
  return agent.names:want(member, def.host, known)
end

local function new_member(pool, name) return { pool = pool, name = name } end

local function release_name(agent, member, host)
  if member.def and member.def.host ~= host then agent.names:release(member, member.def.host) end
end

-- Puts one backend on the board; nil when the board has no room.
local function publish(agent, pool, def)
  local member = pool.by_name[def.name] or new_member(pool, def.name)
  if member.def and (member.def == def or is_same(member.def, def)) then return member end
  release_name(agent, member, def.host)
  local is_moved = member.def and (member.def.host ~= def.host or member.def.port ~= def.port)
  if is_moved then member.slot = nil end
  local addresses, is_known = addresses_of(agent, pool, member, def)
  addresses = without_own(agent, pool, member, def, addresses)
  local slot = agent.board.publish(pool.index, def, addresses)
  if not slot then
    agent.names:release(member, def.host)
    return nil
  end
  local is_new = not member.def
  member.def, member.slot, member.addresses = def, slot, addresses
  member.url, member.target = def.url, target_of(def)
  if is_new then
    agent.health:add(member, is_known)
  elseif is_moved then
    agent.health:check_soon(member)
  end
  return member
end

local function drop(agent, member)
  agent.names:release(member, member.def.host)
  agent.health:remove(member)
end

-- The pool's members are exactly these backends, in this order. Those that stay keep their state.
---@param list table[]  backends as the configuration has them, checked
---@param origin string?  where the list comes from: "file" (by default) or "discover"
function members.set(agent, pool, list, origin)
  pool.base, pool.origin = list, origin or "file"
  members.apply(agent, pool)
end

-- The same, with what a person has changed since.
function members.apply(agent, pool)
  local list = overlay.apply(pool)
  local slots, order, by_name, left_out = {}, {}, {}, 0
  for _, def in ipairs(list) do
    if def.send_proxy == nil then def.send_proxy = pool.send_proxy end
    def.pool, def.http2 = pool.name, pool.http2
    local member = publish(agent, pool, def)
    if member then
      member.origin, member.file_weight = def.origin, def.file_weight
      table.insert(order, member)
      table.insert(slots, member.slot)
      by_name[def.name] = member
    else
      left_out = left_out + 1
    end
  end
  agent.board.set_members(pool.index, slots)
  local before = pool.members
  pool.members, pool.by_name = order, by_name
  for _, member in ipairs(before) do
    if by_name[member.name] ~= member then drop(agent, member) end
  end
  if left_out > 0 then
    agent.host.log.error("pool %s: there is no room for %d of its backends", pool.name, left_out)
  end
end

-- Its name's addresses are new (or could not be found out).
function members.set_addresses(agent, member, addresses)
  addresses = without_own(agent, member.pool, member, member.def, addresses)
  local is_first = #member.addresses == 0 and #addresses > 0
  member.addresses = addresses
  if #addresses > 0 then agent.board.set_addresses(member.slot, member.def.port, addresses) end
  if is_first and member.is_scheduled then
    agent.health:check_soon(member) -- it was found dead because its name did not resolve
  else
    agent.health:check_first(member)
  end
end

return members
