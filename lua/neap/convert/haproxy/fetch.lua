-- Sample fetches and converters of HAProxy, as expressions of Lua. `r` is the request, in rules
-- about answers `a` is the answer.
--
-- A sample: { code = expression, kind = "text", "list", "number", "ip" or "bool" }. Texts may be
-- nil.

local code = require "neap.convert.code"

local fetch = {}

local function text(expression) return { code = expression, kind = "text" } end
local function number(expression) return { code = expression, kind = "number" } end
local function bool(expression) return { code = expression, kind = "bool" } end

local PLAIN = {
  always_true = bool "true",
  always_false = bool "false",
  base = text '((r.host or "") .. path_of(r))',
  capture_req_method = text "r.method",
  dst_port = number "port_of(r)",
  fc_http_major = number '(r.version == "2" and 2 or 1)',
  hostname = text '(r.host or "")',
  http_auth_user = text "user_of(r)",
  method = text "r.method",
  path = text "path_of(r)",
  pathq = text "(path_of(r) .. query_of(r))",
  query = text "r.query",
  rand = number "neap.random(2^31)",
  src = { code = "r.client_ip", kind = "ip" },
  src_port = number "r.client_port",
  ssl_c_used = bool "(r.tls and r.tls.client ~= nil)",
  ssl_fc = bool '(r.scheme == "https" or r.tls ~= nil)',
  ssl_fc_cipher = text "(r.tls and r.tls.cipher)",
  ssl_fc_protocol = text "(r.tls and r.tls.version)",
  ssl_fc_sni = text "(r.tls and r.tls.sni)",
  unique_id = text "r.id", ["unique-id"] = text "r.id",
  uuid = text "r.id",
  url = text "(path_of(r) .. query_of(r))",
  ["req.ver"] = text "r.version", ["req_ver"] = text "r.version",
  ["req.ssl_sni"] = text "r.sni", req_ssl_sni = text "r.sni",
  ["req.ssl_hello_type"] = number "(r.alpn and 1 or 0)",
  req_ssl_hello_type = number "(r.alpn and 1 or 0)",
  ["req.proto_http"] = bool "true",
  wait_end = bool "true",
  status = number "a.status", ["res.status"] = number "a.status",
}

local WITH_NAME = {}

local function header(owner) return function(name)
  return { code = ("%s:header(%s)"):format(owner, code.text(name)), kind = "list" }
end end

WITH_NAME.hdr, WITH_NAME["req.hdr"] = header "r", header "r"
WITH_NAME["res.hdr"], WITH_NAME.shdr = header "a", header "a"
WITH_NAME["req.fhdr"] = function(name) return text(("r:header(%s)"):format(code.text(name))) end
WITH_NAME["res.fhdr"] = function(name) return text(("a:header(%s)"):format(code.text(name))) end

function WITH_NAME.cook(name) return text(("r:cookie(%s)"):format(code.text(name))) end

WITH_NAME["req.cook"], WITH_NAME.cookie = WITH_NAME.cook, WITH_NAME.cook

function WITH_NAME.url_param(name)
  return text(("argument(r, %s)"):format(code.text(name:match "^[^,]*")))
end

WITH_NAME.urlp = WITH_NAME.url_param

function WITH_NAME.var(name) return text(("r.ctx[%s]"):format(code.text(name))) end

function WITH_NAME.str(value) return text(code.text(value)) end

function WITH_NAME.int(value) return value:find "^%-?%d+$" and number(value) or nil end

function WITH_NAME.bool(value) return bool(tostring(value == "true" or value == "1")) end

function WITH_NAME.env(name) return text(code.text(os.getenv(name) or "")) end

function WITH_NAME.nbsrv(name, job)
  local pool = job.pool_of[name]
  return pool and number(("#neap.pool(%s)"):format(code.text(pool))) or nil
end

function WITH_NAME.http_auth(name, job)
  return job.userlists[name] and bool(("authorized(r, USERS[%s])"):format(code.text(name))) or nil
end

-- Counters: sc0_http_req_rate, sc_http_req_rate(0), src_http_req_rate(table), with inc_ and get_.
local COUNTED = "http_req_rate http_req_cnt http_err_rate http_err_cnt conn_cur conn_rate conn_cnt "
  .. "gpc0 gpc0_rate gpc1 gpc1_rate gpt0 bytes_out_rate bytes_out_cnt sess_rate sess_cnt"
local IS_COUNTED = {}
for word in COUNTED:gmatch "%S+" do IS_COUNTED[word] = true end

local SAME = { sess_rate = "conn_rate", sess_cnt = "conn_cnt" }

local function counter(name, argument, job, section)
  local number_of, what = name:match "^sc(%d?)_(.+)$"
  local of_source = name:match "^src_(.+)$"
  what = what or of_source
  if not what then return nil end
  local inc = what:match "^inc_(gpc%d)$"
  local plain = inc or what:match "^get_(.+)$" or what
  if not IS_COUNTED[plain] then return nil end
  plain = SAME[plain] or plain
  local call = inc and "add" or "look"
  if of_source then
    local t = job.tables:name((argument ~= "" and argument) or section.name)
    return t and number(("%s(TABLES[%s], r.client_ip, %s)"):format(call, code.text(t),
      code.text(plain)))
  end
  if number_of == "" then number_of = argument:match "^%d" end
  if not number_of then return nil end
  return number(("%s_tracked(r, %s, %s)"):format(call, number_of, code.text(plain)))
end

local CONVERTERS = {}

function CONVERTERS.lower(s) return text(("lower(%s)"):format(s.code)) end
function CONVERTERS.upper(s) return text(("upper(%s)"):format(s.code)) end
function CONVERTERS.length(s) return number(("#(%s or \"\")"):format(s.code)) end

CONVERTERS["url_dec"] = function(s) return text(("decoded(%s)"):format(s.code)) end

function CONVERTERS.base64(s) return text(("neap.base64.encode(%s or \"\")"):format(s.code)) end
function CONVERTERS.b64dec(s) return text(("neap.base64.decode(%s or \"\")"):format(s.code)) end

function CONVERTERS.field(s, argument)
  local n, delimiter = argument:match "^(%d+),(.)"
  return n and text(("field(%s, %s, %s)"):format(s.code, n, code.text(delimiter))) or nil
end

function CONVERTERS.regsub(s, argument, job)
  local pattern, by, flags = argument:match "^([^,]*),([^,]*),([^,]*)$"
  if not pattern then pattern, by = argument:match "^([^,]*),([^,]*)$" end
  if not pattern then return nil end
  flags = flags or ""
  local name = job:regex(pattern, flags:find "i" and "i" or "")
  return text(("replaced(%s, %s, %s%s)"):format(name, s.code, code.text((by:gsub("\\(%d)", "$%1"))),
    flags:find "g" and "" or ", 1"))
end

-- "name(argument)rest": the argument may have parentheses of its own.
local function split(word)
  local name, at = word:match "^([%w_.-]+)()"
  if not name then return nil end
  local argument = ""
  if word:sub(at, at) == "(" then
    local depth, stop = 0, at
    repeat
      local c = word:sub(stop, stop)
      depth = depth + (c == "(" and 1 or c == ")" and -1 or 0)
      stop = stop + 1
    until depth == 0 or stop > #word + 1
    argument, at = word:sub(at + 1, stop - 2), stop
  end
  return name, argument, word:sub(at)
end

fetch.split = split

local function first(name, argument, job, section)
  local with = WITH_NAME[name]
  if with then return with(argument, job) end
  if PLAIN[name] then
    local plain = PLAIN[name]
    return { code = plain.code, kind = plain.kind }
  end
  return counter(name, argument, job, section)
end

---@param word string  "hdr(host),lower"
---@return table? sample, string? why, string? suffix
function fetch.sample(word, job, section)
  local name, argument, rest = split(word)
  if not name then return nil, ("'%s' is not understood"):format(word) end
  local sample = first(name, argument, job, section)
  if not sample then return nil, ("there is no counterpart of %s"):format(word) end
  while rest ~= "" do
    local converter, with, after = split(rest:match "^,(.*)$" or "")
    local convert = converter and CONVERTERS[converter]
    sample = convert and convert(sample, with, job)
    if not sample then return nil, ("there is no counterpart of %s"):format(word) end
    rest = after
  end
  return sample
end

return fetch
