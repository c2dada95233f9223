-- Where requests go: what matchers and the contract measure.

local sorted = require "neap.sorted"
local exchange = require "neap.testing.exchange"

local spread = {}

-- The i-th of many different requests: other clients, paths and keys.
function spread.request(i)
  return {
    path = "/" .. i,
    client_ip = ("10.%d.%d.%d"):format(math.floor(i / 65536) % 256, math.floor(i / 256) % 256,
      i % 256),
  }
end

local function fields_of(fields, i)
  if fields == nil then return spread.request(i) end
  if type(fields) == "function" then return fields(i) end
  return fields
end

-- The backends' shares by weight, of those that may serve now.
---@return table<string, number> shares, integer n
function spread.expected(pool)
  local view, shares, sum = pool:view(), {}, 0
  for i = 1, #view do sum = sum + view[i].weight end
  for i = 1, #view do shares[view[i].name] = view[i].weight / sum end
  return shares, #view
end

local function copied(from)
  local to = {}
  for key, value in pairs(from) do to[key] = value end
  return to
end

-- Cookies that an answer sets, as the browser would send them back.
local function keep_cookies(jar, result)
  for _, field in ipairs(result.fields) do
    if field[1]:lower() == "set-cookie" then
      local name, value = field[2]:match "^([^=;]+)=([^;]*)"
      if name then jar[name] = value end
    end
  end
end

-- The i-th client: its requests carry the cookies it was given.
function spread.client(pool, fields, i)
  local jar = {}
  return function()
    local given = copied(fields_of(fields, i))
    given.cookies = copied(given.cookies or {})
    for name, value in pairs(jar) do given.cookies[name] = value end
    if next(given.cookies) == nil then given.cookies = nil end
    local result = exchange.run(pool.balancer, given)
    keep_cookies(jar, result)
    return result.backend or ("nowhere: " .. tostring(result.reason))
  end
end

-- n different requests, once each.
---@return string[]  names
function spread.map(pool, n, fields)
  local list = {}
  for i = 1, n do
    local result = exchange.run(pool.balancer, fields_of(fields, i))
    list[i] = result.backend or "nowhere"
  end
  return list
end

---@return number  the part of the requests that went elsewhere
function spread.moved(before, after)
  local n = 0
  for i = 1, #before do n = n + (before[i] ~= after[i] and 1 or 0) end
  return n / #before
end

-- The worst of the shares, and what it should have been.
---@return table  name, share, expected, off
function spread.worst(counts, shares, n)
  local worst = { off = -1 }
  for _, name in ipairs(sorted.keys(counts)) do
    local share, expected = counts[name] / n, shares[name] or 0
    local off = math.abs(share - expected)
    if off > worst.off then
      worst = { name = name, share = share, expected = expected, off = off }
    end
  end
  return worst
end

spread.fields_of = fields_of

return spread
