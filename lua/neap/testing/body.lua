-- The body of a request in the test kit: it is here at once, whole. Of a recorded request only the
-- head is known.

local ffi = require "neap.ffi"

local body = {}

local N = ffi.numbers
local MOST = 65536 -- of a world that has no config

local function text_of(record) return record.own_body or record.body end

---@param out fun(text: string): integer
---@param records table<integer, table>  by id of a request
---@param world table  hook_body_bytes
---@return table C
function body.new(out, records, world)
  local C = {}
  local function record_of(r) return records[tonumber(r.id)] end
  local function most() return world.hook_body_bytes or MOST end

  function C.neap_body_is_known(r) return record_of(r).is_recorded and 0 or 1 end
  function C.neap_body_most() return most() end
  function C.neap_body_ask(r, max)
    return #text_of(record_of(r)) > max and N.NEAP_BODY_LONG or N.NEAP_BODY_WHOLE
  end
  function C.neap_body_text(r) return out(text_of(record_of(r))) end
  function C.neap_body_bytes(r) return #text_of(record_of(r)) end
  function C.neap_body_copy(r, to) ffi.copy(to, text_of(record_of(r)), #text_of(record_of(r))) end
  function C.neap_body_set(r, bytes)
    record_of(r).own_body = bytes
    return N.NEAP_BODY_SET
  end
  return C
end

local OF_BODY = { ["content-length"] = true, ["transfer-encoding"] = true, trailer = true,
  expect = true }

-- The fields of a request as they go out with a body that a hook put there.
---@param fields {[1]: string, [2]: string}[]
---@return {[1]: string, [2]: string}[]
function body.fields(fields, record)
  if not record.own_body then return fields end
  local list = {}
  for _, field in ipairs(fields) do
    if not OF_BODY[field[1]:lower()] then table.insert(list, field) end
  end
  if record.own_body ~= "" or record.body ~= "" then
    table.insert(list, { "Content-Length", tostring(#record.own_body) })
  end
  return list
end

return body
