-- The hooks that come before requests, in the test kit: `connection`, `certificate` and
-- `key`.

local ffi = require "neap.ffi"
local requests = require "neap.testing.requests"

local early = {}

local REFUSE = ffi.numbers.NEAP_REFUSE
local OF_CONNECTION = { client_ip = "string", client_port = "number" }
local OF_DATAGRAM = { bytes = "string", client_ip = "string", client_port = "number" }
local OF_HELLO = { sni = "string", alpn = "table", versions = "table", ja4 = "string",
  client_ip = "string" }
local VERSIONS = { "TLSv1.3", "TLSv1.2" }

local function check(given, fields, what)
  if type(given) ~= "table" then error(("%s is a table"):format(what), 4) end
  for key, value in pairs(given) do
    if not fields[key] then error(("%s has no '%s'"):format(what, tostring(key)), 4) end
    if type(value) ~= fields[key] then
      error(("%s's %s must be a %s, not %s"):format(what, key, fields[key], type(value)), 4)
    end
  end
end

-- The verdict, and what the hook raised, if it did: that fails the spec unless it is contained.
local function ask(balancer, name, record)
  local before = #balancer.errors
  local verdict = balancer:enter(record, name, 0)
  balancer:finish(record)
  local raised = balancer.errors[before + 1]
  if raised and not balancer.contain then error(("hook %s: %s"):format(name, raised.text), 4) end
  return verdict, raised
end

-- Is a connection let in? false: it is closed.
---@param balancer table
---@param given table?  client_ip, client_port
---@return boolean
function early.connection(balancer, given)
  given = given or {}
  check(given, OF_CONNECTION, "a connection")
  local entries = balancer.entries
  if not entries.connection then return true end
  local record = requests.new(balancer.world, given, true)
  local verdict, raised = ask(balancer, "connection", record)
  return verdict ~= REFUSE and not (raised and entries.refuse)
end

-- By what is the flow of a datagram found? nil: by the client's address and port.
---@param balancer table
---@param given table?  bytes, client_ip, client_port
---@return string? key, string? whose  "client": each client has its own
function early.key(balancer, given)
  given = given or {}
  check(given, OF_DATAGRAM, "a datagram")
  if not balancer.entries.key then return nil end
  local bytes = given.bytes or ""
  local record = requests.new(balancer.world, { client_ip = given.client_ip,
    client_port = given.client_port }, true)
  local datagram = ffi.new "neap_datagram"
  datagram.bytes, datagram.n = bytes, #bytes
  record.struct.datagram, record.datagram, record.bytes = datagram, datagram, bytes
  ask(balancer, "key", record)
  if datagram.key_n == 0 then return nil end
  return ffi.string(datagram.key, datagram.key_n), datagram.is_narrow == 1 and "client" or nil
end

-- What a client gets that says so in its ClientHello; nil: a configured certificate.
---@param balancer table
---@param given table?  sni, alpn (a list), versions (a list), ja4, client_ip
---@return { certificate: string, key: string }?
function early.certificate(balancer, given)
  given = given or {}
  check(given, OF_HELLO, "a hello")
  if not balancer.entries.certificate then return nil end
  local record = requests.new(balancer.world, { client_ip = given.client_ip }, true)
  record.hello = { sni = given.sni, alpn = given.alpn, ja4 = given.ja4,
    versions = given.versions or VERSIONS }
  balancer.world.certificate = nil
  local _, raised = ask(balancer, "certificate", record)
  return not raised and balancer.world.certificate or nil
end

return early
