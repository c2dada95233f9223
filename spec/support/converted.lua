-- nginx or HAProxy beside neap with the converted configuration, in front of the same backends.
--
--   converted.start("nginx", text, { files = { [name] = text } }) → pair
--       text: a whole configuration whose ports :80 and :443, addresses 127.0.0.1:8081 to 8085 and
--       backends 10.0.0.1:8080 … are replaced by ours; files: beside it
--   pair.origins[i]; pair.theirs, pair.ours: { [80] = address, [443] = address, … }
--   pair:both { path = "/", port = 443, host =, method =, headers = { "A: b" }, body = }
--       → theirs, ours
--       each { status =, name = value of headers, body =, backend = who answered }
--   pair.status, pair.output    of neap convert; pair.policy, pair.config: texts
--
-- A backend answers with the request line that it got, its Host and its X-Real-IP.

local eventually = require "support.eventually"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local process = require "support.process"
local scope = require "support.scope"

local converted = {}
local Pair = {}
Pair.__index = Pair

local function echo(conn, request)
  local h = request.headers
  local host = (h.host or ""):gsub(":%d+$", "")
  return { headers = { ["X-Backend"] = conn.name, ["X-Secret"] = "of the backend" },
    body = ("%s %s host=%s real=%s user=%s\n"):format(request.method, request.target, host,
      h["x-real-ip"] or "", h["x-user"] or "") }
end

-- With our ports for those of the text.
local function placed(text, ports, origins)
  text = text:gsub("10%.0%.0%.(%d):8080", function(number)
    return "127.0.0.1:" .. origins[tonumber(number)].port
  end)
  text = text:gsub("127%.0%.0%.1:(808%d)", function(port) return ports[tonumber(port)] end)
  for port, address in pairs(ports) do
    text = text:gsub("listen " .. port .. "%f[%D]", "listen " .. address)
    text = text:gsub("bind :" .. port .. "%f[%D]", "bind " .. address)
  end
  return text
end

local function write(dir, name, text, files)
  for file, bytes in pairs(files or {}) do scope.write(dir .. "/" .. file, bytes) end
  scope.write(dir .. "/" .. name, text)
  return dir .. "/" .. name
end

local ARGUMENTS = {}

function ARGUMENTS.nginx(path, dir)
  return { "nginx", "-p", dir, "-e", "stderr", "-c", path, "-g",
    "daemon off; master_process off; pid nginx.pid;" }
end

function ARGUMENTS.haproxy(path) return { "haproxy", "-db", "-q", "-f", path } end

local NAMES = { nginx = "nginx.conf", haproxy = "haproxy.cfg" }

local function start_theirs(kind, text, files, address)
  local dir = scope.directory()
  local path = write(dir, NAMES[kind], text, files)
  process.spawn { argv = ARGUMENTS[kind](path, dir), cwd = dir, dir = dir, name = kind }
  eventually(function()
    local fd = net.connect(address)
    if fd then net.close(fd) end
    return fd
  end, 10, kind)
end

local function start_ours(self, kind, text, files)
  local dir = scope.directory()
  local path = write(dir, NAMES[kind], text, files)
  local out = dir .. "/out"
  local why
  self.status, self.output, why = neap.run({ "convert", path, "-o", out }, { cwd = dir })
  self.output = self.output .. why
  if self.status == 1 then error("neap convert: " .. self.output, 3) end
  self.config, self.policy = scope.read(out .. "/config.lua"), scope.read(out .. "/policy.lua")
  local code, said = neap.check { path = out .. "/config.lua" }
  if code ~= 0 then error(("neap -t: %s\n%s\n%s"):format(said, self.config, self.policy), 3) end
  self.neap = neap.start { config = { path = out .. "/config.lua" } }
end

local function free()
  local ports = { [80] = net.refused(), [443] = net.refused() }
  for port = 8081, 8085 do ports[port] = net.refused() end
  return ports
end

function converted.start(kind, text, options)
  options = options or {}
  local self = setmetatable({ origins = origin.several(3, { handler = echo }),
    theirs = free(), ours = free() }, Pair)
  local first = text:find("127.0.0.1:8081", 1, true) and 8081 or 80
  start_theirs(kind, placed(text, self.theirs, self.origins), options.files, self.theirs[first])
  start_ours(self, kind, placed(text, self.ours, self.origins), options.files)
  return self
end

local function curl(addresses, o)
  local port = o.port or 443
  local argv = { "curl", "-sik", "--http1.1", "--max-time", "20", "--path-as-is" }
  local function add(...) for _, word in ipairs { ... } do table.insert(argv, word) end end
  add("-X", o.method or "GET")
  add("-H", "Host: " .. (o.host or "shop.example.com"))
  for _, header in ipairs(o.headers or {}) do add("-H", header) end
  if o.body then add("--data-binary", "@-") end
  if o.method == "HEAD" then add "-I" end
  add((port == 443 and "https://" or "http://") .. addresses[port] .. (o.path or "/"))
  local code, out, err = process.run { argv = argv, stdin = o.body, limit = 30 }
  if code ~= 0 then error(("curl: %d %s"):format(code, err), 3) end
  return out
end

-- Of the last head: others may be 100 Continue.
local function answer_of(text)
  local answer = {}
  local head, body = text, ""
  repeat
    head, body = (body ~= "" and body or head):match "^(HTTP/.-\r\n)\r\n(.*)$"
    answer.status = tonumber(head:match "^HTTP/%S+ (%d+)")
  until answer.status >= 200
  for name, value in head:gmatch "\n([%w-]+): *([^\r\n]*)" do
    name = name:lower()
    answer[name] = answer[name] and answer[name] .. ", " .. value or value
  end
  answer.body, answer.backend = body, answer["x-backend"]
  return answer
end

function Pair:both(o)
  return answer_of(curl(self.theirs, o)), answer_of(curl(self.ours, o))
end

local SEEN = { "status", "x-frame-options", "cache-control", "www-authenticate", "x-secret",
  "location", "x-by", "x-over", "set-cookie" }

-- What clients see of it; the body only of a backend's answer, no more than the status of what is
-- too large.
function converted.seen(answer)
  if answer.status == 413 then return { status = 413 } end
  local seen = {}
  for _, name in ipairs(SEEN) do seen[name] = answer[name] end
  if seen.location then seen.location = seen.location:gsub(":%d+/", "/") end
  if answer.backend or answer.status == 200 then seen.body = answer.body end
  return seen
end

return converted
