-- Backends from a server, as JSON. Each question has the ETag of the last answer (RFC 9110
-- §13.1.2), and asks to be held until something changes (`Prefer: wait`, RFC 7240 §4.3): a server
-- that does so is asked again at once, another one after `interval`.

local list = require "neap.discover.list"
local neap = require "neap"
local web = require "neap.discover.web"

local SPARE = 10 -- seconds beyond what the server was asked to hold

local function ask(settings, etag)
  local token, why = web.token(settings)
  if why then return nil, why end
  local headers = { Accept = "application/json" }
  headers["If-None-Match"] = etag
  if token then headers.Authorization = "Bearer " .. token end
  if settings.wait then headers.Prefer = ("wait=%d"):format(math.ceil(settings.wait)) end
  return web.request(settings, {
    url = settings.url, headers = headers, timeout = (settings.wait or 0) + SPARE,
  })
end

local function take(settings, registry, answer)
  local value, why = web.decode(answer.body)
  local members, revision
  if value ~= nil then members, revision = list.of(value) end
  if not members then return registry:fail(("%s: %s"):format(settings.url, revision or why)) end
  local etag = answer:header "etag"
  registry.memory.etag = etag
  registry:list(members, revision or etag)
end

-- Was the question held? One who has an ETag to compare with, and waits, does.
local function was_held(settings, answer, seconds)
  if not settings.wait or not answer:header "etag" then return false end
  local applied = answer:header "preference-applied" or ""
  return applied:find "wait" ~= nil or seconds >= 1
end

return function(settings, registry)
  while true do
    local began = neap.now()
    local answer, why = ask(settings, registry.memory.etag)
    if not answer then return nil, why end
    if answer.status == 200 then
      take(settings, registry, answer)
    elseif answer.status == 304 then
      registry:same()
    else
      return nil, ("%s: %s"):format(settings.url, web.refusal(answer))
    end
    local is_held = was_held(settings, answer, neap.now() - began)
    neap.sleep(is_held and 0.05 or settings.interval)
  end
end
