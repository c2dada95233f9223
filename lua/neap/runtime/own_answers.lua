-- Answers that neap makes itself, in other words: those of the policy's hook `error`, else the page
-- that the config's `errors` names for the status.

local bit = require "bit"
local ffi = require "neap.ffi"
local current = require "neap.runtime.current"
local hooks = require "neap.hooks"
local reply = require "neap.runtime.reply"
local request = require "neap.runtime.request"

local ERROR_ID, ERROR_BIT = hooks.ids.error, hooks.bits.error
local REPLY, DONE = ffi.numbers.NEAP_REPLY, ffi.numbers.NEAP_DONE
local state, the_request = current.state, request.object

local own_answers = {}

local function ask(hook, r, status)
  local answer = hook(the_request, status, ffi.string(state.outcome.reason))
  if answer == nil then return false end
  if not reply.is(answer) then
    error(("error returned a %s (expected nothing, or neap.reply { status =, body = })")
      :format(type(answer)), 0)
  end
  reply.write(answer, r, status)
  return true
end

---@param code integer  of the service's hooks on the board
---@param hook function?
---@param pages table<integer, table>?  files by status, and by its first digit
---@return fun(skip: integer): integer
function own_answers.entry(code, hook, pages)
  pages = pages or {}
  return function(skip)
    local r, status = state.request, state.outcome.status
    state.hook[0] = code + ERROR_ID
    if hook and bit.band(skip, ERROR_BIT) == 0 then
      r.ran = ERROR_BIT
      if ask(hook, r, status) then return REPLY end
    end
    local page = pages[status] or pages[math.floor(status / 100)]
    if not page then return DONE end
    reply.page(page, r, status)
    return REPLY
  end
end

return own_answers
