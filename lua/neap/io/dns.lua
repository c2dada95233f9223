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

return dns
