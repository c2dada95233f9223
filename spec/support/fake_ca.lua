-- A CA made of a table, and the agent's part that gets certificates from it, with a clock that
-- specs move. Keys and signatures are made up; spec/tls/acme_spec.lua has real ones.
--
--   local world = require("support.fake_ca").new { domains = {…}, … }   keys of tls.acme
--   world:start()          the domains are asked for from now on; again: as a restart does
--   world:run(seconds)     lets the time pass
--   world.answers["POST /new-order"] = function(world, request) → answer or nil, why
--                          instead of what the CA answers there: { status =, headers =, body = }
--   world:problem(status, kind, detail, headers) → such an answer
--   world:state(domain) → as /status has it
--   world.files[path], world.published, world.requests (list of "METHOD /path"), world.lines
--   world.life             seconds that certificates live
--   world.room             bytes that workers take

local acme = require "neap.agent.acme"
local jobs = require "neap.agent.jobs"
local json = require "neap.json"

local fake_ca = {}
local World = {}
World.__index = World

local BASE = "https://ca.test"
local TICK = 0.1

-- Stands in for base64url: hexadecimal, which reads back.
local function armour(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function unarmour(text)
  return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function add_crypto(tools, world)
  tools.base64url, tools.bytes = armour, unarmour
  function tools.digest(bytes) return "digest" .. #bytes end
  function tools.mac(key, bytes) return "mac" .. #key .. #bytes end
  function tools.key()
    world.keys = world.keys + 1
    return "KEY" .. world.keys .. "\n"
  end
  function tools.jwk() return '{"kty":"EC"}' end
  function tools.sign() return "signature" end
  function tools.csr(_, name) return "CSR " .. name end
  function tools.proof(name, text) return "PROOF " .. name .. " " .. text end
  function tools.leaf(pem, name)
    local from, till, of = pem:match "from(%d+)till(%d+)of(%S+)"
    if not from then return nil, "has no certificate that can be read" end
    if of ~= name then return nil, "the certificate is not one for " .. name end
    return { from = tonumber(from), till = tonumber(till) }
  end
end

local function add_files(tools, world)
  function tools.load(path) return world.files[path] end
  function tools.store(path, bytes)
    if world.disk_is_full then return nil, path .. ": cannot be written" end
    world.files[path] = bytes
    return ""
  end
  function tools.folder() return "" end
  function tools.publish(text)
    if #text > world.room then return nil, "certificates and keys exceed what workers take" end
    world.published = text
    return ""
  end
end

local function add_log(tools, world)
  tools.log = {}
  for _, level in ipairs { "info", "warn", "error" } do
    tools.log[level] = function(format, ...)
      table.insert(world.lines, level .. " " .. format:format(...))
    end
  end
end

local function make_tools(world)
  local tools = {
    now = function() return world.time end,
    wall = function() return 1000000 + world.time end,
    is_serving = function() return world.is_serving end,
    sleep = function(seconds) coroutine.yield(seconds) end,
    request = function(options) return world:answer(options) end,
  }
  add_crypto(tools, world)
  add_files(tools, world)
  add_log(tools, world)
  return tools
end

local function make_host(world)
  return {
    now = function() return world.time end,
    spawn = function(fn, on_end)
      local task = { co = coroutine.create(fn), due = 0, on_end = on_end }
      world.tasks[task] = true
      return task
    end,
    cancel = function(task) world.tasks[task] = nil end,
  }
end

local function url(path) return BASE .. path end

function World.problem(_, status, kind, detail, headers)
  return {
    status = status, headers = headers or {},
    body = json.encode { type = "urn:ietf:params:acme:error:" .. kind, detail = detail },
  }
end

function World:object(value, headers, status)
  headers = headers or {}
  self.nonce = self.nonce + 1
  headers["replay-nonce"] = "nonce" .. self.nonce
  return { status = status or 200, headers = headers, body = json.encode(value) }
end

local ROUTES = {}

ROUTES["GET /directory"] = function()
  return { status = 200, headers = {}, body = json.encode {
    newNonce = url "/new-nonce", newAccount = url "/new-account", newOrder = url "/new-order",
  } }
end

ROUTES["HEAD /new-nonce"] = function(world) return world:object {} end

ROUTES["POST /new-account"] = function(world, request)
  world.account_request = request.payload
  return world:object({ status = "valid" }, { location = url "/account/1" }, 201)
end

ROUTES["POST /new-order"] = function(world, request)
  world.domain = request.payload.identifiers[1].value
  world.order_status = "pending"
  world.authorization_status = "pending"
  return world:object({
    status = "pending", authorizations = { url "/authorization" }, finalize = url "/finalize",
  }, { location = url "/order" }, 201)
end

ROUTES["POST /authorization"] = function(world)
  return world:object {
    status = world.authorization_status,
    challenges = {
      { type = "dns-01", token = "other", url = url "/challenge-dns" },
      { type = "http-01", token = "token-1", url = url "/challenge" },
      { type = "tls-alpn-01", token = "token-2", url = url "/challenge" },
    },
  }
end

ROUTES["POST /challenge"] = function(world)
  world.shown = world.published
  world.authorization_status, world.order_status = "valid", "ready"
  return world:object { status = "processing" }
end

ROUTES["POST /order"] = function(world)
  return world:object { status = world.order_status, finalize = url "/finalize",
    certificate = url "/certificate" }
end

ROUTES["POST /finalize"] = function(world, request)
  world.csr = unarmour(request.payload.csr)
  world.order_status = "valid"
  return world:object { status = "processing" }
end

ROUTES["POST /certificate"] = function(world)
  local from = math.floor(1000000 + world.time)
  return {
    status = 200, headers = {},
    body = ("-----BEGIN CERTIFICATE-----\nfrom%dtill%dof%s\n-----END CERTIFICATE-----\n"):format(
      from, from + world.life, (world.domain:gsub("%W", "+"))),
  }
end

-- The parts of a signed request, for those who look.
local function read_request(options, path)
  local request = { path = path, method = options.method or "GET", body = options.body }
  if options.body then
    local jws = json.decode(options.body)
    request.protected = json.decode(unarmour(jws.protected))
    request.payload = jws.payload ~= "" and json.decode(unarmour(jws.payload)) or nil
  end
  return request
end

function World:answer(options)
  local path = options.url:match "^https://ca%.test(/.*)$"
  if not path or self.is_away then return nil, "connect to ca.test: refused" end
  local request = read_request(options, path)
  local what = request.method .. " " .. path
  table.insert(self.requests, what)
  self.last = request
  return (self.answers[what] or ROUTES[what])(self, request)
end

-- What the CA itself would answer, for answers that change it a little.
function World:usual(what, request) return ROUTES[what](self, request) end

local function step(world)
  for task in pairs(world.tasks) do
    if task.due <= world.time then
      local ok, value = coroutine.resume(task.co)
      if coroutine.status(task.co) == "dead" then
        world.tasks[task] = nil
        task.on_end(ok, value)
      else
        task.due = world.time + value
      end
    end
  end
end

function World:run(seconds)
  for _ = 1, math.floor(seconds / TICK + 0.5) do
    self.time = self.time + TICK
    self.jobs:tick()
    step(self)
  end
end

function World:start()
  self.tasks, self.published = {}, nil
  self.jobs = jobs.new(make_host(self), 16)
  self.acme = acme.start({
    services = { { name = "plain" }, { name = "web", tls = { acme = self.settings } } },
  }, self.jobs, self.tools)
end

function World:state(domain)
  for _, state in ipairs(self.acme:states(1)) do
    if state.domain == domain then return state end
  end
end

-- How often the CA was asked that.
function World:count(what)
  local n = 0
  for _, request in ipairs(self.requests) do n = n + (request == what and 1 or 0) end
  return n
end

-- The lines of the log that have the pattern.
function World:said(pattern)
  local found = {}
  for _, line in ipairs(self.lines) do
    if line:find(pattern) then table.insert(found, line) end
  end
  return found
end

function fake_ca.new(settings)
  local world = setmetatable({
    time = 0, nonce = 0, keys = 0, life = 90 * 86400, room = math.huge, is_serving = true,
    files = {}, requests = {}, lines = {}, answers = {},
    settings = {
      domains = { "a+test" }, directory = BASE .. "/directory", storage = "/store",
      challenge = "http-01", agree = true,
    },
  }, World)
  for key, value in pairs(settings or {}) do world.settings[key] = value end
  world.tools = make_tools(world)
  return world
end

return fake_ca
