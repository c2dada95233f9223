-- The config of the hostile run: a service that behaves beside three that do not, in the same
-- workers. Ports of the good backends are in GOOD_PORTS, of the bad ones in SOAK_PORTS.

local neap = require "neap"

local function urls(ports)
  local list = {}
  for port in ports:gmatch "%d+" do table.insert(list, "http://127.0.0.1:" .. port) end
  return list
end

-- What mistakes and ill will do in a hook; each in its turn.
local kept = {}
local tricks = {
  function() while true do end end,
  function() error "on purpose" end,
  function() return { status = 200 } end,
  function() return "nonsense" end,
  function()
    local text = "x"
    while true do text = text .. text end
  end,
  function()
    while true do table.insert(kept, { {}, {}, {} }) end
  end,
  function()
    local function deep(text) return (text:gsub(".", deep)) end
    return deep "a"
  end,
  function()
    local function deep(n) return 1 + deep(n + 1) end
    return deep(1)
  end,
  function()
    while true do pcall(error, "swallowed") end
  end,
  function() neap.sleep(60) end,
  function() return neap.reply { status = 200, body = ("x"):rep(1000000) } end,
  function() return neap.reply { status = "many", headers = 5 } end,
  function(request) request:set_header("X-Bad", "a\r\nb: c") end,
  function(request) request.ctx = setmetatable({}, { __index = error }) end,
}

local hostile = {}

function hostile.request(request)
  return tricks[neap.random(#tricks)](request)
end

function hostile.pick(request, pool)
  if neap.random(2) == 1 then return tricks[neap.random(#tricks)](request) end
  return pool[neap.random(#pool + 1)]
end

function hostile.log() tricks[neap.random(#tricks)] { set_header = error } end

local short = {
  client_header = 2, client_body = 2, client_idle = 5, connect = 2, response = 2, stream_idle = 4,
}

return {
  workers = 2,
  services = {
    -- Its clients may be idle for long while the others have the CPUs.
    { listen = "127.0.0.1:0", pool = "good", timeouts = { client_idle = 7200 } },
    { listen = "127.0.0.1:0", pool = "good", policy = hostile },
    { listen = "127.0.0.1:0", pool = "bad", timeouts = short, limits = { body_bytes = 1048576 } },
    {
      listen = "127.0.0.1:0", pool = "good",
      policy = { request = function() return neap.reply { body = "ours" } end },
    },
  },
  pools = {
    good = { backends = urls(os.getenv "GOOD_PORTS"), keepalive = { idle = 1 } },
    bad = {
      backends = urls(os.getenv "SOAK_PORTS"),
      health = { interval = 1, timeout = 1, recheck = 0.1 },
      keepalive = { idle = 1 },
    },
  },
}
