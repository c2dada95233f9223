-- A share of the visitors gets variant B, and each visitor always the same one. When the share
-- grows, some go from A to B and none back: a visitor's number, from 0 to 100, stays what it is.
local neap = require "neap"
local ab = neap.shared "ab"

local TEST = "checkout-2:" -- another test draws other visitors
local COOKIE = "visitor=%s; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
local counts = {}
for _, variant in ipairs { "a", "b" } do
  counts[variant] = {
    requests = neap.metric.counter("ab_requests_" .. variant .. "_total", "requests of a variant"),
    errors = neap.metric.counter("ab_errors_" .. variant .. "_total", "of these, answered by 5xx"),
  }
end
local policy = {}

function policy.request(request)
  local visitor = request:cookie "visitor"
  if not visitor or #visitor ~= 16 or visitor:find "%X" then
    visitor = ("%08x%08x"):format(neap.random(2 ^ 31), neap.random(2 ^ 31))
    request.ctx.cookie = COOKIE:format(visitor)
  end
  local number = neap.hash(TEST .. visitor) / 2 ^ 32 * 100
  request.ctx.variant = number < (ab:get "share" or 0) and "b" or "a"
  request:set_header("X-Variant", request.ctx.variant)
end

function policy.backends(request, pool)
  local group = pool:where("variant", request.ctx.variant)
  return #group > 0 and group or pool -- the other variant is better than none
end

function policy.response(request, _, response)
  if request.ctx.cookie then response:add_header("Set-Cookie", request.ctx.cookie) end
end

function policy.log(request, outcome)
  local count = counts[request.ctx.variant] -- none: the head was refused
  if not count then return end
  count.requests:add(1)
  if outcome.status >= 500 then count.errors:add(1) end
end

return policy
