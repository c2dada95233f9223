-- Backends from Kubernetes: a service by its EndpointSlices (discovery.k8s.io/v1).
-- All slices are listed once, and from their resourceVersion a watch tells of each change; when
-- that version is too old (410 Gone), they are listed again. Endpoints that terminate drain.

local address = require "neap.config.address"
local files = require "neap.discover.files"
local neap = require "neap"
local show = require "neap.config.show"
local slices = require "neap.discover.slices"
local web = require "neap.discover.web"

local ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/"
local PAGE = 500 -- slices in one answer
local PAGES_MAX = 100
local WATCH_SECONDS = 60
local MESSAGES_MAX = 2 ^ 26 -- bytes of one watch
local HEARD_MAX = 2 ^ 26 -- bytes of all pages, and of what watches say until all is listed anew

-- What the pod has of the cluster that it runs in, where the config does not say otherwise.
local function with_account(settings)
  local own = {}
  for key, value in pairs(settings) do own[key] = value end
  if not own.endpoints then
    local host, port = os.getenv "KUBERNETES_SERVICE_HOST", os.getenv "KUBERNETES_SERVICE_PORT"
    if not host then
      return nil, "neap does not run in a pod (KUBERNETES_SERVICE_HOST is not set): "
        .. "discover.endpoints must say where the API is"
    end
    own.endpoints = { "https://" .. address.with_port(host, port or "443") }
    own.tls = own.tls or { verify = true, ca = ACCOUNT .. "ca.crt" }
    if not own.token then own.token_file = own.token_file or ACCOUNT .. "token" end
  end
  if not own.namespace then
    local name, why = files.first_line(ACCOUNT .. "namespace")
    if not name then return nil, "discover.namespace is not given, and " .. why end
    own.namespace = name
  end
  return own
end

local function url_of(settings, registry, more)
  return ("%s/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices?labelSelector=%s%s"):format(
    web.endpoint(settings, registry), neap.url.encode(settings.namespace),
    neap.url.encode("kubernetes.io/service-name=" .. settings.service), more)
end

-- The token rotates: it is read for each question.
local function headers_of(settings)
  local token, why = web.token(settings)
  if why then return nil, why end
  return { Accept = "application/json", Authorization = token and "Bearer " .. token }
end

local function ask(settings, registry, more)
  local headers, why = headers_of(settings)
  if not headers then return nil, why end
  local value
  value, why = web.ask(settings, { url = url_of(settings, registry, more), headers = headers })
  if value ~= nil and type(value) ~= "table" then return nil, "the answer is no list of slices" end
  return value, why
end

local function meta_of(value) return type(value.metadata) == "table" and value.metadata or {} end

-- All slices, page by page.
local function list_all(settings, registry)
  local state, more = { slices = {}, heard = 0 }, ""
  for _ = 1, PAGES_MAX do
    local value, answer = ask(settings, registry, ("&limit=%d%s"):format(PAGE, more))
    if not value then return nil, answer end
    state.heard = state.heard + #answer.body
    if state.heard > HEARD_MAX then return nil, "the list of slices is too large" end
    for _, slice in ipairs(type(value.items) == "table" and value.items or {}) do
      if type(slice) ~= "table" then return nil, "the list of slices has some that are none" end
      state.slices[tostring(meta_of(slice).name)] = slice
    end
    state.version = meta_of(value).resourceVersion
    local token = meta_of(value).continue
    if type(token) ~= "string" or token == "" then
      state.heard = 0
      if type(state.version) == "string" then return state end
      return nil, "the list of slices has no resourceVersion"
    end
    more = "&continue=" .. neap.url.encode(token)
  end
  return nil, "the list of slices has no end"
end

local function hand_over(settings, registry, state)
  registry:list(function() return slices.members(state.slices, settings) end, state.version)
end

-- One message of the watch. false: list again; nil: it failed, and why.
local function take(settings, registry, state, line)
  state.heard = state.heard + #line
  if state.heard > HEARD_MAX then return false end
  local event, why = web.decode(line)
  if type(event) ~= "table" or type(event.object) ~= "table" then
    return nil, why or "its watch says what is no event"
  end
  local object = event.object
  if event.type == "ERROR" then
    if object.code == 410 then return false end
    return nil, ("its watch says %s"):format(show.text(tostring(object.message or object.code)))
  end
  state.version = tostring(meta_of(object).resourceVersion or state.version)
  if event.type == "BOOKMARK" then
    registry:same()
    return true
  end
  state.slices[tostring(meta_of(object).name)] = event.type ~= "DELETED" and object or nil
  hand_over(settings, registry, state)
  return true
end

local function open_watch(settings, registry, state)
  local headers, why = headers_of(settings)
  if not headers then return nil, why end
  return web.request(settings, {
    url = url_of(settings, registry, ("&watch=true&allowWatchBookmarks=true&timeoutSeconds=%d"
      .. "&resourceVersion=%s"):format(WATCH_SECONDS, neap.url.encode(state.version))),
    headers = headers, stream = true, timeout = WATCH_SECONDS + 10, max_bytes = MESSAGES_MAX,
  })
end

-- One watch, to its end. true: the next one may follow; false: list again; nil: it failed, and why.
local function watch(settings, registry, state)
  local answer, why = open_watch(settings, registry, state)
  if not answer then return nil, why end
  if answer.status ~= 200 then
    answer:close()
    if answer.status == 410 then return false end
    return nil, ("its watch is answered with %d"):format(answer.status)
  end
  registry:same()
  local began, verdict, _ = neap.now(), nil, nil
  _, why = web.lines(answer, settings.max_bytes, function(line)
    local reason
    verdict, reason = take(settings, registry, state, line)
    return verdict, reason
  end)
  answer:close()
  if verdict == false then return false end
  if why then return nil, why end
  if verdict == nil and neap.now() - began < 1 then return nil, "its watch ends at once" end
  return true
end

return function(given, registry)
  local settings, why = with_account(given)
  if not settings then return nil, why end
  while true do
    local state, reason = list_all(settings, registry)
    if not state then return nil, reason end
    hand_over(settings, registry, state)
    local goes_on = true
    while goes_on do
      goes_on, reason = watch(settings, registry, state)
      if goes_on == nil then return nil, reason end
      neap.sleep(0.05)
    end
  end
end
