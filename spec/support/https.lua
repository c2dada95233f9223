-- The balancer with TLS in front, for "localhost", "a.test" and 127.0.0.1.
--
--   https.start(backend, more, options) → n, o   backend, more: as proxied.start
--   https.before(backends, more, options) → n    backends: origins or URLs; options: allow, and
--                                                config: more of the certificate's table
--   https.config(backends, more, config) → config text;  https.files() → its files
--   https.curl(n, { arguments }, { path = "/", port =, stdin =, limit = 60 }) → code, out, err
--   https.count(n, part, …) → number    of the metric in whose line all these parts stand; 0: none
--   https.sending(n, bytes, { arguments }) → process   openssl sends them and stays
--   https.cutter{ to = port, piece = 1 } → port        a relay that passes so many bytes at a time
--   https.spoiler{ to = port, way = "up" or "down" } → port   one that damages records with data
--                                         on their way to the server, or to the client; from: only
--                                         from when there is a file of that name
--   https.wait_light(n, number)   so many of its connections do without OpenSSL's object

local admin = require "support.admin"
local eventually = require "support.eventually"
local lfs = require "lfs"
local neap = require "support.neap"
local net = require "support.net"
local origin = require "support.origin"
local pki = require "support.pki"
local process = require "support.process"
local proxied = require "support.proxied"
local scope = require "support.scope"

local https = {}

-- One certificate for all specs of a file: its texts outlive the folder that it was made in.
local made

function https.files()
  if not made then
    local ca = pki.ca()
    local cert = ca:issue { names = { "localhost", "a.test" }, ips = { "127.0.0.1" } }
    made = { ["ca.pem"] = ca.pem, ["cert.pem"] = cert.chain, ["key.pem"] = cert.key }
  end
  return made
end

function https.config(backends, more, config)
  return proxied.config(backends, ([[
    tls = { certificate = "cert.pem", key = "key.pem", %s },
    %s]]):format(config or "", more or ""))
end

function https.before(backends, more, options)
  options = options or {}
  return neap.start {
    config = https.config(backends, more, options.config), files = https.files(),
    allow = options.allow,
  }
end

function https.start(backend, more, options)
  if type(backend) == "function" then backend = { handler = backend } end
  local o = origin.start(backend)
  return https.before({ o }, more, options), o
end

function https.curl(n, arguments, options)
  options = options or {}
  local argv = { "curl", "-sS", "--cacert", n.dir .. "/ca.pem", "--max-time", "50" }
  for _, argument in ipairs(arguments) do table.insert(argv, argument) end
  local url = ("https://127.0.0.1:%d%s"):format(options.port or n.port, options.path or "/")
  table.insert(argv, url)
  return process.run { argv = argv, stdin = options.stdin, limit = options.limit or 60 }
end

function https.sending(n, bytes, arguments)
  local path = scope.directory() .. "/bytes"
  scope.write(path, bytes)
  local command = ("(cat %s; exec sleep 60) |"
    .. " exec openssl s_client -connect 127.0.0.1:%d -quiet %s")
    :format(path, n.port, table.concat(arguments or {}, " "))
  return process.spawn { argv = { "sh", "-c", command } }
end

function https.count(n, ...)
  local parts = { ... }
  for line in admin.get(n, "/metrics").body:gmatch "[^\n]+" do
    local has_all = line:sub(1, 1) ~= "#"
    for _, part in ipairs(parts) do has_all = has_all and line:find(part, 1, true) ~= nil end
    if has_all then return tonumber(line:match "(%S+)$") end
  end
  return 0
end

local function spoilt(bytes)
  if bytes:byte(1) ~= 23 then return bytes end
  return bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256)
end

-- What came of one side goes to the other, in pieces.
local function pass(from, to, piece, spoils)
  local bytes, why = net.receive(from, 4096)
  if not bytes then return why == "again" end
  if spoils() then bytes = spoilt(bytes) end
  for at = 1, #bytes, piece do
    net.send(to, bytes:sub(at, at + piece - 1))
  end
  if bytes == "" then net.finish(to) end
  return bytes ~= ""
end

local function relay(client, options)
  local server, way, piece = assert(net.connect(options.to)), options.way, options.piece or 4096
  local up, down = true, true
  local function begun() return not options.from or lfs.attributes(options.from) ~= nil end
  local function spoils_up() return way == "up" and begun() end
  local function spoils_down() return way == "down" and begun() end
  while up or down do
    if up and net.wait(client, "IN", 0.001) then up = pass(client, server, piece, spoils_up) end
    if down and net.wait(server, "IN", 0.001) then
      down = pass(server, client, piece, spoils_down)
    end
  end
  net.close(client)
  net.close(server)
end

function https.cutter(options)
  local listener, _, port = net.listen "127.0.0.1:0"
  process.fork(function()
    while net.wait(listener, "IN", 60) do
      relay(net.accept(listener), options)
    end
  end, { keep = { listener } })
  net.close(listener)
  return port
end

https.spoiler = https.cutter

function https.wait_light(n, number)
  eventually(function() return https.count(n, "neap_worker_light_tls_connections") == number end)
end

return https
