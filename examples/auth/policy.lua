-- Who may pass, an auth server says. What it said holds for a while, for all workers.
local neap = require "neap"
local said = neap.shared "auth" -- the user, or the status that refuses, by the hash of credentials

local AUTH = "http://127.0.0.1:9000/check"
local YES, NO = 30, 5 -- seconds
local policy = {}

local WHO = neap.reply { status = 401, headers = { ["WWW-Authenticate"] = "Bearer" } }
local FORBIDDEN = neap.reply { status = 403 }
local AWAY = neap.reply { status = 503, headers = { ["Retry-After"] = "5" } }

local function ask(credentials, key)
  local answer, why = neap.http.get(AUTH, {
    headers = { Authorization = credentials }, timeout = 1,
  })
  if not answer then return nil, why end
  local status = answer.status
  local word = status == 200 and answer:header "x-user" or status
  if word ~= 401 and word ~= 403 and type(word) ~= "string" then return nil, "status " .. status end
  said:set(key, word, status == 200 and YES or NO)
  return word
end

function policy.request(request)
  request:set_header("X-User", nil) -- only we say who it is
  local credentials = request:header "authorization"
  if not credentials then return WHO end
  local key = neap.crypto.sha256(credentials) -- the store keeps no secret
  local word, why = said:get(key), nil
  if not word then -- many at the same time ask once
    word, why = neap.once("auth " .. key, 0, function() return ask(credentials, key) end)
  end
  if word == 401 then return WHO end
  if word == 403 then return FORBIDDEN end
  if not word then
    neap.log.warn("the auth server: %s", why)
    return AWAY
  end
  request:set_header("X-User", word)
end

return policy
