-- neap with a limit on how many requests are in there at once, before a backend that answers none
-- of them.
--
--   holding.start(limit, options of neap.start) → n
--       GET /hold/KEY enters and stays; or 503 with the body "full"
--       GET /inside/KEY → how many are in there
--   holding.enter(n, key, count) → clients, each with its request in there
--   holding.inside(n, key, count)   waits until so many are

local client = require "support.client"
local eventually = require "support.eventually"
local neap = require "support.neap"
local origin = require "support.origin"

local holding = {}

local CONFIG = [[
  local neap = require "neap"
  local at_once = neap.concurrency { limit = %d, name = "rooms" }
  return {
    listen = "127.0.0.1:0", workers = 2, backends = { "http://%s" }, health = { type = "none" },
    admin = { listen = "127.0.0.1:0" }, timeouts = { drain = 20 },
    explain = { sample = 1 },
    policy = { request = function(request)
      local call, key = request.path:match "^/(%%a+)/(.*)$"
      if not call then return end
      if call == "inside" then return neap.reply { body = at_once:inside(key) .. "" } end
      if not at_once:enter(key) then return neap.reply { status = 503, body = "full" } end
    end },
  }]]

function holding.start(limit, options)
  local web = origin.start { handler = function(conn) conn:closed(60) end, allow_errors = true }
  options = options or {}
  options.config = CONFIG:format(limit, web.address)
  return neap.start(options)
end

function holding.inside(n, key, count)
  eventually(function() return n:get("/inside/" .. key).body == tostring(count) end)
end

function holding.enter(n, key, count)
  local clients = {}
  for i = 1, count do
    clients[i] = client.connect(n.port)
    clients[i]:send(("GET /hold/%s HTTP/1.1\r\nHost: a\r\n\r\n"):format(key))
  end
  holding.inside(n, key, count)
  return clients
end

return holding
