-- What workers see (src/shm/board_acme.h): the certificate of each domain, and answers to the
-- challenges that are open. The whole text is written anew after each change.

local shelf = {}
local Shelf = {}
Shelf.__index = Shelf

---@param tools table
function shelf.new(tools) return setmetatable({ tools = tools, entries = {} }, Shelf) end

-- kind, service (from 0), name; bytes nil: it goes. After a failure all is as it was.
---@return any ok, string? why
function Shelf:put(kind, service, name, bytes)
  local head = ("%s %d %s"):format(kind, service, name)
  local before = self.entries[head]
  if before == bytes then return true end
  self.entries[head] = bytes
  local ok, why = self:publish()
  if not ok then self.entries[head] = before end -- one that has no room keeps no other from its own
  return ok, why
end

function Shelf:publish()
  local parts = {}
  for head, bytes in pairs(self.entries) do
    table.insert(parts, ("%s %d\n%s\n"):format(head, #bytes, bytes))
  end
  table.sort(parts)
  return self.tools.publish(table.concat(parts))
end

return shelf
