-- What getting certificates uses of its process: keys and signatures, files, HTTP, the clock, and
-- the place on the board from which workers take certificates and answers to challenges.
--
-- Functions that can fail return nil and why.

local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local http = require "neap.io.http"
local log = require "neap.runtime.log"
local wait = require "neap.runtime.wait"

local C = ffi.C
local out = current.out

local tools = { log = log }

tools.now = C.neap_clock
tools.sleep = wait.sleep
tools.request = http.request

-- Whom the CA of that service (from 0) is verified by: the file of tls.acme.ca.
---@return string? pem, string? why
function tools.trust(service)
  if C.neap_acme_trust(service) == 1 then return out() end
  return nil, out()
end

---@return number  seconds since 1970
function tools.wall() return C.neap_wall_ms() / 1000 end

---@return boolean  this generation serves: its workers answer challenges
function tools.is_serving()
  local life = ffi.new "neap_life_story"
  C.neap_life(life)
  return life.serving_ms > 0
end

local function answer(code)
  if code == 1 then return out() end
  return nil, out()
end

function tools.base64url(bytes) return answer(C.neap_acme_base64url(bytes, #bytes)) end
function tools.bytes(text) return answer(C.neap_acme_bytes(text, #text)) end
function tools.digest(bytes) return answer(C.neap_acme_digest(bytes, #bytes)) end
function tools.mac(key, bytes) return answer(C.neap_acme_mac(key, #key, bytes, #bytes)) end
function tools.key() return answer(C.neap_acme_key()) end
function tools.jwk(key) return answer(C.neap_acme_jwk(key, #key)) end
function tools.sign(key, bytes) return answer(C.neap_acme_sign(key, #key, bytes, #bytes)) end
function tools.csr(key, name) return answer(C.neap_acme_request(key, #key, name, #name)) end
function tools.proof(name, text) return answer(C.neap_acme_proof(name, #name, text, #text)) end

---@return {from: number, till: number}? leaf, string? why
function tools.leaf(pem, name)
  local dates = ffi.new "double[2]"
  if C.neap_acme_leaf(pem, #pem, name, #name, dates) == 0 then return nil, out() end
  return { from = dates[0], till = dates[1] }
end

function tools.publish(text) return answer(C.neap_acme_publish(text, #text)) end

---@return string? bytes, string? why  -- nil without a reason: there is no such file
function tools.load(path)
  local code = C.neap_acme_load(path, #path)
  if code == ffi.numbers.NEAP_ACME_ABSENT then return nil end
  return answer(code)
end

function tools.store(path, bytes) return answer(C.neap_acme_store(path, #path, bytes, #bytes)) end
function tools.folder(path) return answer(C.neap_acme_folder(path, #path)) end

return tools
