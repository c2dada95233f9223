-- What the lines of a recording must look like: the file may be cut, edited by hand or from
-- somebody else. Each check returns what is wrong, or nil.

local shape = {}

local function is_number(value)
  return type(value) == "number" and value == value and value > -1e18 and value < 1e18
end

local KINDS = {
  number = is_number,
  count = function(value) return is_number(value) and value >= 0 and value < 2 ^ 53 end,
  dice = function(value)
    return type(value) == "string" and #value == 16 and value:find "^%x+$" ~= nil
  end,
}

local function is_kind(value, kind)
  if KINDS[kind] then return KINDS[kind](value) end
  return type(value) == kind
end

-- fields: name → kind; "?" after it: it may be missing, or null.
local function check_fields(value, fields, what)
  if type(value) ~= "table" then return what .. " is no object" end
  for name, kind in pairs(fields) do
    local plain = kind:match "^(.-)%??$"
    local item = value[name]
    local is_absent = item == nil or type(item) == "userdata"
    if is_absent and type(item) == "userdata" then value[name] = nil end
    if is_absent and plain == kind then return ("%s has no %s"):format(what, name) end
    if not is_absent and not is_kind(item, plain) then
      return ("%s: its %s is not what neap writes"):format(what, name)
    end
  end
end

-- Each item, by its fields or its kind.
local function check_list(list, fields, what)
  if type(list) ~= "table" then return what .. " is no list" end
  local n = 0
  for _ in pairs(list) do n = n + 1 end
  if n ~= #list then return what .. " is no list" end
  for _, item in ipairs(list) do
    if type(fields) == "table" then
      local why = check_fields(item, fields, what)
      if why then return why end
    elseif not is_kind(item, fields) then
      return ("%s: an item is not what neap writes"):format(what)
    end
  end
end

local SERVICE = { name = "string", mode = "string?", pool = "string?" }
local POOL = { name = "string", panic = "number?", slow_start = "number?" }

---@return string? why
function shape.head(value)
  return check_list(value.services, SERVICE, "a service") or check_list(value.pools, POOL, "a pool")
    or check_list(value.redacted or {}, "string", "redacted")
end

---@return string? why
function shape.finish(value)
  return check_fields(value, { requests = "count?", lost = "count?", unfinished = "count?" },
    "the end")
end

local MEMBER = { name = "string?", url = "string?", state = "string", since = "number?",
  back_since = "number?", weight = "count", slots = "count", tier = "number", zone = "string?",
  tags = "string?" }

---@return string? why
function shape.pool(value)
  return check_fields(value, { pool = "string", version = "count" }, "a pool")
    or check_list(value.members, MEMBER, "a member")
end

local REQUEST = { id = "string?", time = "number?", client_ip = "string?", client_port = "count?",
  method = "string?", path = "string?", query = "string?", host = "string?", version = "string?",
  headers = "table?", sni = "string?", ja4 = "string?", alpn = "table?", tls = "table?" }
local TLS = { version = "string?", cipher = "string?", sni = "string?", alpn = "string?",
  resumed = "boolean?", ja4 = "string?", client = "table?" }
local CLIENT = { subject = "string?", issuer = "string?", serial = "string?", names = "table?",
  fingerprint = "string?", not_after = "count?", verified = "boolean?", error = "string?" }
local OUTCOME = { status = "count?", grpc_status = "count?", attempts = "count?", bytes = "count?",
  queued = "number?", connect = "number?", first_byte = "number?", total = "number?",
  reason = "string?" }
local ANSWER = { verdict = "string?", backend = "string?", pool = "string?", reason = "string?",
  status = "count?" }
local ASKED = { at = "number", dice = "dice" }
local OF_POOL = { pool = "string", version = "count", counters = "table?" }
local FAILED = { backend = "string", status = "count?", grpc_status = "count?", safe = "count",
  ours = "count?", kept = "count?", message = "string" }
local STAGES = { connect = true, send = true, wait = true, body = true }
local FAILURES = { refused = true, timeout = true, reset = true, protocol = true, status = true,
  tls = true }

local function check_pools(list)
  local why = check_list(list, OF_POOL, "a step's pool")
  for _, pool in ipairs(why and {} or list) do
    why = why or check_list(pool.inflight, "count", "inflight")
      or check_list(pool.latency_us, "count", "latency_us")
    for name, value in pairs(pool.counters or {}) do
      if type(name) ~= "string" or not is_number(value) then why = "counters: one is no number" end
    end
  end
  return why
end

local function check_step(step)
  local why = check_fields(step, ANSWER, "a step")
  if why then return why end
  if step.ask == "failed" then
    if not STAGES[step.stage] or not FAILURES[step.kind] then return "an unknown failure" end
    return check_fields(step, FAILED, "a failed attempt")
  end
  if step.ask ~= "decide" and step.ask ~= "pick" then return "an unknown step" end
  return check_fields(step, ASKED, "a step") or check_pools(step.pools)
    or check_list(step.tried or {}, "string", "tried")
end

local function check_headers(list)
  local why = check_list(list, "table", "headers")
  for _, pair in ipairs(why and {} or list) do
    if type(pair[1]) ~= "string" or type(pair[2]) ~= "string" then
      return "headers: one is no pair of texts"
    end
  end
  return why
end

-- Fields of other versions are taken out: the kit knows those of this one.
local function check_only(value, fields, what)
  local why = check_fields(value, fields, what)
  for name in pairs(why and {} or value) do
    if not fields[name] then value[name] = nil end
  end
  return why
end

local function check_client(client)
  return check_only(client, CLIENT, "a client's certificate")
    or check_list(client.names or {}, "string", "names")
end

local function check_tls(request)
  local tls = request.tls
  return check_list(request.alpn or {}, "string", "alpn")
    or tls and (check_only(tls, TLS, "tls") or tls.client and check_client(tls.client)) or nil
end

---@return string? why
function shape.request(value)
  if type(value.request) ~= "table" or type(value.steps) ~= "table" then return "not a request" end
  local why = check_fields(value, { service = "string", worker = "count" }, "a request")
    or check_fields(value.request, REQUEST, "a request")
    or check_headers(value.request.headers or {})
    or check_tls(value.request)
    or check_list(value.steps, "table", "steps")
    or (value.outcome ~= nil and check_fields(value.outcome, OUTCOME, "an outcome") or nil)
  for _, step in ipairs(why and {} or value.steps) do why = why or check_step(step) end
  return why
end

return shape
