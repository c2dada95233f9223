-- Several limits, over all workers: each client's requests, guesses at passwords, what a plan lets
-- an API key do, and how many reports a client makes at once. What is too much gets 429, and hears
-- when to come again.
local neap = require "neap"

local clients = neap.limit { rate = 20, burst = 60, name = "clients" }
local logins = neap.limit { rate = 5, per = 60, name = "logins" }
local plans = {
  free = neap.limit { rate = 100, per = 3600, name = "free" },
  paid = neap.limit { rate = 50, burst = 500, name = "paid" },
}
local reports = neap.concurrency { limit = 2, name = "reports" }

local KEYS = { ["key-of-anna"] = "paid", ["key-of-ben"] = "free" }
local COSTS = { ["/api/search"] = 5 } -- more than the 1 of others

local policy = {}

local function too_much(what, wait)
  return neap.reply { status = 429, body = ("too many %s\n"):format(what),
    headers = { ["Retry-After"] = math.ceil(math.min(wait, 3600)) } }
end

-- The plan of the key: it says in each answer what is left of it.
local function check_api(request, path)
  local key = request:header "x-api-key"
  local plan = key and plans[KEYS[key]]
  if not plan then return neap.reply { status = 401, body = "an API key is needed\n" } end
  local passes, wait = plan:take(key, COSTS[path])
  request.ctx.plan, request.ctx.key = plan, key
  if not passes then return too_much("requests for the plan " .. plan.name, wait) end
end

function policy.request(request)
  local path = request.normal_path
  if not path then return neap.reply { status = 400 } end
  local passes, wait = clients:take(request)
  if not passes then return too_much("requests", wait) end
  if path == "/login" and request.method == "POST" then
    passes, wait = logins:take(request)
    if not passes then return too_much("tries", wait) end
  elseif path:find "^/api/" then
    return check_api(request, path)
  elseif path:find "^/reports/" and not reports:enter(request) then
    return too_much("reports at once", 5) -- one leaves as soon as its answer has gone out
  end
end

function policy.response(request, _, response)
  local plan = request.ctx.plan
  if not plan then return end
  local left, seconds = plan:look(request.ctx.key)
  response:set_header("RateLimit", ('"%s";r=%d;t=%d'):format(plan.name, left, math.ceil(seconds)))
end

return policy
