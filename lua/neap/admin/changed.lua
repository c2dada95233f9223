-- The admin side's answer to a change of a backend, as a line for a terminal: `neap drain` and its
-- like.

local decode = require("cjson.safe").decode
local plain = require "neap.admin.plain"

local changed = {}

local function under_way(n)
  if n == 0 then return "nothing in flight" end
  return ("%d in flight"):format(n)
end

---@param text string  the backend, as PATCH answers
---@return string? text, string? why
function changed.draw(text)
  local backend = decode(text)
  if type(backend) ~= "table" or type(backend.state) ~= "string" then
    return nil, "the admin side's answer is not a backend"
  end
  local parts = { backend.state, "weight " .. backend.weight, under_way(backend.inflight) }
  local why = backend.reason ~= "" and (" (%s)"):format(backend.reason) or ""
  return plain.text(("%s: %s%s"):format(backend.name, table.concat(parts, ", "), why)) .. "\n"
end

return changed
