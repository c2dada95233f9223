-- Made-up requests: at times of a distribution, from clients and for paths of which some are more
-- frequent than others.

local arrivals = require "neap.sim.arrivals"
local dice = require "neap.sim.dice"
local popularity = require "neap.sim.popularity"

local floor = math.floor

local NO_HEADERS = {}

local synthetic = {}

local Synthetic = {}
Synthetic.__index = Synthetic

local function addresses(n)
  local list = {}
  for i = 1, n do
    list[i] = ("10.%d.%d.%d"):format(floor(i / 65536) % 256, floor(i / 256) % 256, i % 256)
  end
  return list
end

local function paths(n)
  local list = {}
  for i = 1, n do list[i] = "/page/" .. i end
  return list
end

---@param o table  seed, rate, horizon, arrivals, service, clients, paths, zipf
function synthetic.new(o)
  local random = dice.stream(o.seed, "arrivals")
  return setmetatable({
    horizon = o.horizon,
    when = o.arrivals.make and o.arrivals.make(o.rate, random) or arrivals.never,
    draw = o.service.draw, random_service = dice.stream(o.seed, "service"),
    random_client = dice.stream(o.seed, "clients"), random_path = dice.stream(o.seed, "paths"),
    addresses = addresses(o.clients), paths = paths(o.paths),
    popular = popularity.zipf(o.paths, o.zipf),
  }, Synthetic)
end

function Synthetic:next(now)
  local time = self.when(now)
  return time < self.horizon and time or math.huge
end

function Synthetic:take(record)
  local client = floor(self.random_client() * #self.addresses) + 1
  record.method, record.host, record.query = "GET", "example.com", false
  record.client_ip, record.client_port = self.addresses[client], 40000
  record.path = self.paths[self.popular(self.random_path)]
  record.headers, record.unsafe = NO_HEADERS, false
  return self.draw(self.random_service)
end

return synthetic
