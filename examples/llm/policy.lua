-- Model traffic: the `model` in the body says which pool, the beginning of the prompt which of its
-- servers (the one that has it in its cache), unless its load is above 1.25 times the average.
local neap = require "neap"
local loads, tokens = neap.shared "loads", neap.limit { rate = 20000, per = 60, name = "tokens" }
local POOLS = { ["llama-8b"] = "small", ["llama-70b"] = "large" }
local ANSWER = 256 -- tokens of an answer, if the request does not say
local HUGE = { ["too long"] = 413, ["over limits.body_bytes"] = 413 }
local SLACK, PREFIX = 1.25, 1024 -- the prefix: bytes of the prompt
local policy = {}

local function refuse(status, code, message, wait)
  local kind = status >= 500 and "server_error" or status == 429 and "tokens"
  local e = { message = message, type = kind or "invalid_request_error", code = code }
  return neap.reply { status = status, body = neap.json.encode { error = e },
    headers = { ["Content-Type"] = "application/json", ["Retry-After"] = wait } }
end

function policy.request(request)
  if request.method ~= "POST" then return end -- the list of models, and the like
  local body, why = request:body()
  if not body then return refuse(HUGE[why] or 503, "no_body", why) end
  local ask = neap.json.decode(body)
  local pool = type(ask) == "table" and POOLS[ask.model]
  if not pool then return refuse(404, "model_not_found", "there is no such model") end
  local most = type(ask.max_tokens) == "number" and ask.max_tokens > 0 and ask.max_tokens or ANSWER
  local key = neap.crypto.sha256(request:header "authorization" or request.client_ip)
  local passes, wait = tokens:take(key, #body / 4 + most) -- about what the answer will have cost
  if not passes then
    return refuse(429, "rate_limit_exceeded", "too many tokens", math.ceil(math.min(wait, 3600)))
  end
  local prompt = body:match '"messages"%s*:(.*)' or body
  request.ctx.pool, request.ctx.prefix = pool, prompt:sub(1, PREFIX)
end

function policy.backends(request) return request.ctx.pool and neap.pool(request.ctx.pool) end

local function load_of(backend) return math.max(backend.inflight, loads:get(backend.url) or 0) end
function policy.pick(request, pool)
  local load, weight, prefix = 1, 0, request.ctx.prefix
  for i = 1, #pool do load, weight = load + load_of(pool[i]), weight + pool[i].weight end
  for try = 1, prefix and 4 or 0 do -- the second choice of a prompt is always the same, too
    local backend = pool:hash(try .. prefix)
    if load_of(backend) < SLACK * load * backend.weight / weight then return backend end
  end
  return pool:least_loaded()
end

policy.every = { [2] = function() -- what runs and waits there, for other balancers too
  for _, name in pairs(POOLS) do
    for _, backend in ipairs(neap.pool(name).all) do
      local page = neap.http.get(backend.url .. "/metrics", { timeout = 1 })
      local sum, text = 0, page and page.body or ""
      for n in text:gmatch "vllm:num_requests_%a+[^ \n]* (%d+)" do sum = sum + n end
      if page then loads:set(backend.url, sum, 10) end
    end
  end
end }
function policy.error(_, status, reason) return refuse(status, "neap", reason) end

return policy
