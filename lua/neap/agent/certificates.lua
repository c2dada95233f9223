-- The certificates that services show, as the first agent of the generation wrote them down: how
-- long they last, and a word in the log, once a day, about those that end soon.

local certificates = {}

local DAY = 86400
local SOON = 14 -- days

-- Whole days that are left; below 0: it has expired.
---@param not_after number  seconds since 1970
---@param now number
---@return integer
function certificates.days(not_after, now) return math.floor((not_after - now) / DAY) end

-- What is to be said about one; nil: nothing.
---@param one {name: string, file: string, not_after: number}
---@param now number
---@return string?
function certificates.warning(one, now)
  local days = certificates.days(one.not_after, now)
  if days >= SOON then return nil end
  local what = one.name ~= "" and ("%s (%s)"):format(one.name, one.file) or one.file
  local date = os.date("!%Y-%m-%d %H:%M:%S UTC", one.not_after)
  if one.not_after < now then
    return ("the certificate of %s expired on %s"):format(what, date)
  end
  return ("the certificate of %s expires on %s, in %d day%s"):format(what, date, days,
    days == 1 and "" or "s")
end

---@return {service: integer, name: string, file: string, not_after: number}[]
function certificates.list()
  local ffi = require "neap.ffi"
  local row, list = ffi.new "neap_certificate", {}
  while ffi.C.neap_certificate_at(#list, row) == 1 do
    table.insert(list, { service = row.service, name = ffi.string(row.name),
      file = ffi.string(row.file), not_after = tonumber(row.not_after) })
  end
  return list
end

-- Those of each service, by its number from 0.
---@return table<integer, table[]>
function certificates.by_service()
  local map = {}
  for _, one in ipairs(certificates.list()) do
    map[one.service] = map[one.service] or {}
    table.insert(map[one.service], one)
  end
  return map
end

-- To be called in each tick. When it is loaded, the config's reader has said it already.
---@param self table  the agent
---@param now number
function certificates.look(self, now)
  self.certificates_due = self.certificates_due or now + DAY
  if now < self.certificates_due then return end
  self.certificates_due = now + DAY
  local wall = self.board.wall_ms() / 1000
  for _, one in ipairs(certificates.list()) do
    local text = certificates.warning(one, wall)
    if text then self.host.log.warn("%s", text) end
  end
end

return certificates
