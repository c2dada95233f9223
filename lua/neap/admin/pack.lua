-- Large answers as gzip, for those who take it.

local current = require "neap.runtime.current"
local ffi = require "neap.ffi"
local reply = require "neap.admin.reply"

local C = ffi.C

local pack = {}

local LEAST = 1024 -- bytes; below, it is not worth it
local VARY = "Vary: Accept-Encoding\r\n"
local PACKED = VARY .. "Content-Encoding: gzip\r\n"

local made = {} -- page → its last body, and that as gzip: the same is often asked for again

local function packed(page, body)
  local last = made[page]
  if not last or last.body ~= body then
    last = { body = body, bytes = C.neap_gzip(body, #body) == 1 and current.out() or nil }
    made[page] = last
  end
  return last.bytes
end

---@param q table  the request
---@param page string  what it is called
---@param kind string  of the content
---@param body string
function pack.answer(q, page, kind, body)
  local wish = q.headers["accept-encoding"]
  local bytes = #body >= LEAST and wish and C.neap_gzip_is_taken(wish, #wish) == 1
    and packed(page, body)
  if bytes then return reply.text(200, kind, bytes, PACKED) end
  return reply.text(200, kind, body, VARY)
end

return pack
