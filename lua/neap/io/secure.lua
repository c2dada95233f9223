-- How a connection of a waiting hook speaks TLS: whom it trusts, and by which name it knows the
-- server.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local naming = require "neap.config.naming"
local show = require "neap.config.show"

local C = ffi.C

local secure = {}

local KEYS = { verify = "boolean", ca = "string", server_name = "string", certificate = "string",
  key = "string" }

local settings = ffi.new "neap_tls"

-- Raises when it is no table of `tls` options; what: the function, in messages.
---@param tls any  true, or a table: verify, ca, server_name, certificate, key (PEM texts)
---@param what string
---@param level integer  whose mistake it is
function secure.check(tls, what, level)
  if tls == nil or type(tls) == "boolean" then return end
  if type(tls) ~= "table" then
    error(("%s: tls is %s (expected true or a table)"):format(what, show.value(tls)), level + 1)
  end
  local fault = naming.fault(tls, KEYS)
  if fault then error(("%s: tls: %s"):format(what, fault), level + 1) end
end

local function set_text(field, text)
  settings[field], settings[field .. "_n"] = text, #text
end

local OFFERS = { [true] = 1, auto = 2 }

-- The connection that is begun next speaks TLS.
---@param host string  the server's, by which it is known unless the options have a name
---@param tls table|true  as above; of a check: pool (its settings hold), server_name,
--- speaks_h2 ("auto": HTTP/1.1 is offered, too)
---@param first string?  sent in the clear before the handshake
---@param port number?  sessions are those with this server
---@return true? done, string? why
function secure.begin(host, tls, first, port)
  local options = tls == true and {} or tls
  local name, pool, ca = options.server_name or "", options.pool or "", options.ca or ""
  local certificate, key = options.certificate or "", options.key or ""
  set_text("name", name)
  set_text("host", host)
  set_text("pool", pool)
  set_text("ca", ca)
  set_text("certificate", certificate)
  set_text("key", key)
  set_text("first", first or "")
  settings.skips_verify = options.verify == false and 1 or 0
  settings.speaks_h2 = OFFERS[options.speaks_h2] or 0
  settings.port = port or 0
  if C.neap_wait_secure(settings) == 1 then return true end
  return nil, current.out()
end

return secure
