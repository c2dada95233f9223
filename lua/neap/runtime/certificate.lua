-- neap.certificate{ certificate =, key = }: what the hook `certificate` gives for a handshake.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"

local C = ffi.C

local certificate = {}

local is_certificate = setmetatable({}, { __mode = "k" })
local KEYS = { certificate = true, key = true }

local function check(fields)
  if type(fields) ~= "table" then error("neap.certificate { certificate = PEM, key = PEM }", 3) end
  for name, value in pairs(fields) do
    if not KEYS[name] then
      error(("neap.certificate: unknown key '%s'"):format(tostring(name)), 3)
    end
    if type(value) ~= "string" then
      error(("neap.certificate: %s must be a text in PEM, not a %s"):format(name, type(value)), 3)
    end
  end
  if not fields.certificate then error("neap.certificate: the certificate is missing", 3) end
end

---@param fields table  certificate: the chain, PEM; key: PEM (may stand in the same text)
---@return table
function certificate.new(fields)
  check(fields)
  local chain, key = fields.certificate, fields.key or ""
  if C.neap_certificate_try(chain, #chain, key, #key) == 0 then
    error("neap.certificate: " .. current.out(), 2)
  end
  local object = { certificate = chain, key = key }
  is_certificate[object] = true
  return object
end

-- Checks what the hook returned, and gives it to the handshake.
function certificate.give(value, r)
  if not is_certificate[value] then
    error(("certificate returned a %s (expected nothing, or neap.certificate { certificate =, "
      .. "key = })"):format(type(value)), 0)
  end
  local chain, key = tostring(value.certificate), tostring(value.key)
  if C.neap_certificate_give(r, chain, #chain, key, #key) == 0 then
    error("certificate returned what is none: " .. current.out(), 0)
  end
end

return certificate
