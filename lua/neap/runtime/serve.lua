-- May a backend get new requests? The rule of src/shm/board_serve.h, on the rows of the board as
-- Lua reads them. (Whether it has a free slot is another question.)

local N = require("neap.ffi").numbers

local serve = {}

local LIVE, DRAIN = N.NEAP_STATE_UP, N.NEAP_STATE_DRAIN -- states up to LIVE: unknown, up

function serve.is_live(row) return row.state <= LIVE end

-- In a panic, backends that are down or ejected get requests too, in the tier in use; those that
-- drain never do.
---@param panics boolean
---@param tier number  the tier in use
function serve.may(row, panics, tier)
  if row.weight == 0 then return false end
  if row.state <= LIVE then return true end
  return panics and row.state ~= DRAIN and row.tier == tier
end

-- Does it get nothing new, but serve clients that stay with it? It drains, or its weight is 0.
function serve.is_kept_only(row)
  return row.state == DRAIN or (row.weight == 0 and row.state <= LIVE)
end

function serve.drains(row) return row.state == DRAIN end

return serve
