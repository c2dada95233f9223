-- The bodies of a request and of its answer in the test kit: they are here at once, whole. Of a
-- recorded request, and of an answer that nobody gave, only the head is known.

local ffi = require "neap.ffi"
local route = require "neap.testing.route"

local body = {}

local N = ffi.numbers
local MOST = 65536 -- of a world that has no config

local function text_of(record) return record.own_body or record.body or "" end

---@param out fun(text: string): integer
---@param records table<integer, table>  by id of a request
---@param world table  hook_body_bytes, limits, response_record
---@return table C
function body.new(out, records, world)
  local C = {}
  local function record_of(r, of)
    if tonumber(of) == N.NEAP_BODY_OF_ANSWER then return world.response_record end
    return records[tonumber(r.id)]
  end
  local function text(r, of) return text_of(record_of(r, of)) end

  function C.neap_body_is_known(r, of) return record_of(r, of).is_recorded and 0 or 1 end
  function C.neap_body_most() return world.hook_body_bytes or MOST end
  function C.neap_body_ask(r, of, max)
    local record = record_of(r, of)
    if tonumber(of) == N.NEAP_BODY_OF_REQUEST and not record.own_body
      and route.is_too_large(world.limits, record) then
      return N.NEAP_BODY_REFUSED
    end
    return #text(r, of) > max and N.NEAP_BODY_LONG or N.NEAP_BODY_WHOLE
  end
  function C.neap_body_text(r, of) return out(text(r, of)) end
  function C.neap_body_bytes(r, of) return #text(r, of) end
  function C.neap_body_copy(r, of, to) ffi.copy(to, text(r, of), #text(r, of)) end
  function C.neap_body_set(r, of, bytes)
    record_of(r, of).own_body = bytes
    return N.NEAP_BODY_SET
  end
  return C
end

local OF_BODY = { ["content-length"] = true, ["transfer-encoding"] = true, trailer = true,
  expect = true }
local NO_BODY = { [204] = true, [304] = true }

---@param method string  of the request
---@param status integer
---@return boolean
function body.has_one(method, status) return method ~= "HEAD" and not NO_BODY[status] end

-- The fields of a message as they go out with a body that a hook put there.
---@param fields {[1]: string, [2]: string}[]
---@return {[1]: string, [2]: string}[]
function body.fields(fields, record)
  if not record.own_body then return fields end
  local list = {}
  for _, field in ipairs(fields) do
    if not OF_BODY[field[1]:lower()] then table.insert(list, field) end
  end
  local tells = record.tells_length
  if tells == nil then tells = record.own_body ~= "" or record.body ~= "" end
  if tells then
    table.insert(list, { "Content-Length", tostring(#record.own_body) })
  end
  return list
end

return body
