-- A small firewall: methods, paths, arguments. What a rule sees is what the backend gets: the
-- normalised path, and the arguments without their escapes, those of forms too.
local neap = require "neap"
local url = neap.url

local METHODS = { GET = true, HEAD = true, POST = true, OPTIONS = true }
local CLOSED = { "/.git", "/.env", "/admin", "/server-status" } -- and what is below
local ENDINGS = assert(neap.regex.new([[\.(?:bak|old|sql|swp|inc)$|~$]], "i"))
local ATTACKS = {} -- by name: what no argument may contain
for name, pattern in pairs {
  sql = [[\bunion\b[\s(/*]+(?:all\b[\s(/*]+)?select\b|'\s*or\b.{0,40}=|;\s*(?:drop|delete)\s]],
  script = [[<\s*script\b|\bjavascript\s*:|\bon(?:error|load|click)\s*=]],
  path = [[(?:^|[\\/])\.\.[\\/]|/etc/passwd]],
} do ATTACKS[name] = assert(neap.regex.new(pattern, "is")) end

local FORM, ARGUMENTS, BODY = "^application/x%-www%-form%-urlencoded", 100, 65536
local refused = neap.metric.counter("waf_refused_total", "Requests that a rule has refused.")
local policy = {}

-- A match that took too long counts as one.
local function hits(pattern, text)
  local found, why = pattern:find(text)
  return found or why
end

-- The rule that arguments break; nil: none.
local function wrong(query)
  local _, list = url.args(query, ARGUMENTS)
  if type(list) == "string" then return "arguments" end
  for _, argument in ipairs(list) do
    for name, attack in pairs(ATTACKS) do
      if hits(attack, argument[1]) or hits(attack, argument[2]) then return name end
    end
  end
end

local function refuse(request, status, rule)
  refused:add(1)
  neap.log.warn("%s %s: rule %s", request.client_ip, request.method, rule)
  return neap.reply { status = status, body = "refused\n" }
end

function policy.request(request)
  if not METHODS[request.method] then return refuse(request, 405, "method") end
  local path = request.path == "*" and "/" or request.normal_path
  if not path then return refuse(request, 400, "odd path") end
  for _, top in ipairs(CLOSED) do
    if url.is_within(path:lower(), top) then return refuse(request, 403, "closed path") end
  end
  if hits(ENDINGS, path) then return refuse(request, 403, "ending") end
  local rule = wrong(request.query)
  if not rule and (request:header "content-type" or ""):lower():find(FORM) then
    local body = request:body(BODY)
    rule = not body and "form" or wrong(body)
  end
  if rule then return refuse(request, 403, rule) end
  if request.path ~= "*" then request:set_path(path) end
end

return policy
