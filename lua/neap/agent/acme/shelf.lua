-- What workers see (src/shm/board_acme.h): the certificate of each domain, and answers to the
-- challenges that are open. The whole text is written anew after each change.

local shelf = {}
local Shelf = {}
Shelf.__index = Shelf

---@param tools table
function shelf.new(tools) return setmetatable({ tools = tools, entries = {} }, Shelf) end

-- kind, service (from 0), name; bytes nil: it goes.
---@return any ok, string? why
function Shelf:put(kind, service, name, bytes)
  local head = ("%s %d %s"):format(kind, service, name)
  if self.entries[head] == bytes then return true end
  self.entries[head] = bytes
  return self:publish()
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
