-- Who may ask, and who may change: the host's name, the page a request comes from, the token.

local address = require "neap.config.address"
local ffi = require "neap.ffi"
local log = require "neap.runtime.log"

local C = ffi.C

local guard = {}

-- So many wrong tokens may come at once, from all senders together, and so many per second. After
-- that every token, the right one too, waits for its turn: src/admin has them checked one after the
-- other, ten per second. So guessing is slow from any number of addresses, and locks nobody out.
local WRONG_BURST = 10
local WRONG_PER_S = 1

local function refusal(status, text, headers)
  return { status = status, text = text, headers = headers }
end

-- Without its port.
local function name_of(host)
  return host:match "^%[(.*)%]:?%d*$" or host:match "^([^:]*):%d*$" or host
end

local function is_known_name(name, hosts)
  if address.is_ipv4(name) or address.is_ipv6(name) then return true end
  name = name:lower():gsub("%.$", "")
  if name == "localhost" or name:find "%.localhost$" then return true end
  for _, host in ipairs(hosts) do
    if host:lower() == name then return true end
  end
  return false
end

-- A page under an attacker's name that resolves to our address sends that name (DNS rebinding).
local function check_host(q, admin)
  if q.is_unix or q.host == "" then return nil end
  local name = name_of(q.host)
  if is_known_name(name, admin.hosts) then return nil end
  return refusal(421, ("the admin side is not known as '%s' (use its IP address, or add the name "
    .. "to admin.hosts)"):format(name))
end

-- A browser says which page a request comes from.
local function check_origin(q)
  local origin, site = q.headers.origin, q.headers["sec-fetch-site"]
  local is_own = not origin or origin:match "^https?://(.*)$" == q.host
  if site and site ~= "same-origin" and site ~= "none" then is_own = false end
  if is_own then return nil end
  return refusal(403, "a request of another site's page (it may not change anything here)")
end

local function check_type(q)
  local kind = q.headers["content-type"]
  if q.body == "" or not kind or kind:lower():find "^application/json%s*$"
    or kind:lower():find "^application/json%s*;" then
    return nil
  end
  return refusal(415, ("the body is %s (expected Content-Type: application/json)"):format(kind))
end

local wrong_left, counted_at = WRONG_BURST, nil

-- How many wrong tokens may still come before tokens have to wait.
local function patience()
  local now = C.neap_clock()
  wrong_left = math.min(WRONG_BURST, wrong_left + (now - (counted_at or now)) * WRONG_PER_S)
  counted_at = now
  return wrong_left
end

local told_at, untold = nil, 0

-- At most one line per second for all of them.
local function tell_wrong(client)
  local now = C.neap_clock()
  if told_at and now - told_at < 1 then
    untold = untold + 1
    return
  end
  local more = untold > 0 and (" (%d more since the last such line)"):format(untold) or ""
  told_at, untold = now, 0
  log.warn("admin: a wrong token from %s%s", client, more)
end

local CHALLENGE = 'WWW-Authenticate: Bearer realm="neap"\r\n'

local function check_token(q, admin)
  if not admin.token then
    return refusal(403, "the admin side is read-only: the config has no admin.token")
  end
  local scheme, given = (q.headers.authorization or ""):match "^(%S+)%s+(%S+)%s*$"
  if not scheme or scheme:lower() ~= "bearer" then
    return refusal(401, "a token is needed (Authorization: Bearer TOKEN)", CHALLENGE)
  end
  local many = patience() < 1
  if many and not q.has_waited then return { must_wait = true } end
  if C.neap_is_same_secret(given, #given, admin.token, #admin.token) == 1 then return nil end
  wrong_left = math.max(wrong_left - 1, 0)
  tell_wrong(q.is_unix and "the unix socket" or q.client)
  if many then
    return refusal(429, "the token is wrong, and so were too many others; wait a second",
      "Retry-After: 1\r\n")
  end
  return refusal(401, "the token is wrong", CHALLENGE)
end

---@param q table  the question
---@param admin table  of the config
---@return table?  -- a refusal: status, text, headers; or must_wait: ask again in its turn
function guard.reader(q, admin) return check_host(q, admin) end

function guard.changer(q, admin)
  return check_origin(q) or check_token(q, admin) or check_type(q)
end

return guard
