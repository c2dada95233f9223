-- Sessions of openssl's client, kept in files.
--
--   tls_session.make{ …as s_client.run… } → path        a full handshake, and the session it got;
--       nil, run when there was none
--   tls_session.is_resumed(path, { …as s_client.run… }) → boolean, run     raises when the
--       handshake failed

local s_client = require "support.s_client"
local scope = require "support.scope"

local tls_session = {}

local function with(options, flag, path)
  local copy, args = {}, { flag, path }
  for key, value in pairs(options) do copy[key] = value end
  for _, value in ipairs(options.args or {}) do table.insert(args, value) end
  copy.args = args
  return copy
end

function tls_session.make(options)
  local path = scope.directory() .. "/session"
  local r = s_client.run(with(options, "-sess_out", path))
  if not r.ok or r.is_resumed then error("no full handshake:\n" .. r.log, 2) end
  if scope.read(path) == "" then return nil, r end
  return path, r
end

function tls_session.is_resumed(path, options)
  local r = s_client.run(with(options, "-sess_in", path))
  if not r.ok then error("no handshake:\n" .. r.log, 2) end
  return r.is_resumed, r
end

return tls_session
