-- neap.dns.resolve: a name's addresses, in a waiting hook.

local ffi = require "neap.ffi"
local wait = require "neap.runtime.wait"

local C = ffi.C

local dns = {}

---@param name string
---@param timeout number?  seconds
---@return string[]? addresses, string? why
function dns.resolve(name, timeout)
  wait.check "neap.dns.resolve"
  if type(name) ~= "string" then error("dns.resolve(name): name must be a string", 2) end
  local text, why = wait.text(C.neap_wait_resolve(name, #name, wait.timeout(timeout)))
  if not text then return nil, why end
  local addresses = {}
  for address in text:gmatch "%S+" do table.insert(addresses, address) end
  return addresses
end

local TYPES = { A = 1, AAAA = 28, SRV = 33 }

-- All records of a type, as the servers have them; none is an empty list. For registries.
---@param name string
---@param kind string  A, AAAA: texts; SRV: tables of priority, weight, port, target
---@param timeout number?  seconds
---@return table? records
---@return number|string ttl_or_why  seconds; -1: unknown
function dns.records(name, kind, timeout)
  wait.check "neap.dns.records"
  local begun = C.neap_wait_records(name, #name, TYPES[kind], wait.timeout(timeout))
  local text, why = wait.text(begun)
  if not text then return nil, why end
  local ttl, records = C.neap_wait_ttl(), {}
  for line in text:gmatch "[^\n]+" do
    local priority, weight, port, target = line:match "^(%d+) (%d+) (%d+) (.+)$"
    table.insert(records, kind ~= "SRV" and line or { priority = tonumber(priority),
      weight = tonumber(weight), port = tonumber(port), target = target })
  end
  return records, ttl
end

return dns
