-- Asks a small program beside the backend how it is (the agent-check of HAProxy): one line of words
-- with blanks or commas between.
--
--   up                      it serves
--   down, fail, failed, stopped, maint   it does not; what follows a # says why
--   75%                     it serves, with that part of its configured weight
--   drain                   it gets nothing new: its weight is 0
--   ready                   it has its configured weight again

local dial = require "neap.check.dial"
local ffi = require "neap.ffi"
local show = require "neap.config.show"
local trim = require "neap.trim"

local C = ffi.C

local LOOKED_AT = 512
local WEIGHT_MAX = 1000 -- as in the schema

local DEAD = { down = true, fail = true, failed = true, stopped = true, maint = true }
local ALIVE = { up = 1, ready = 1, drain = 0 }

-- The first line, without its end. Many agents close the connection instead of sending one.
local function read_line(settings, conn, deadline)
  local bytes = ""
  repeat
    local more, why = conn:receive_some(LOOKED_AT - #bytes, dial.left(deadline))
    if not more and (why ~= "closed" or bytes == "") then
      return nil, why == "closed" and "it closed the connection without a word"
        or dial.why(settings, why)
    end
    bytes = bytes .. (more or "")
  until not more or #bytes >= LOOKED_AT or bytes:find "[\r\n]"
  return bytes:match "^[^\r\n]*"
end

-- What a word asks for: a share of the weight. nil: it is no word of ours.
local function share_of(word)
  local percent = word:match "^(%d%d?%d?%d?)%%$"
  if percent then return tonumber(percent) / 100 end
  return ALIVE[word]
end

---@param line string
---@return boolean is_alive
---@return number|string? share_or_why  the part of its weight; nil: nothing is said of it
local function understood(line)
  local words, comment = line:match "^([^#]*)#?(.*)$"
  local why = trim.blanks(comment)
  local share, is_known
  for word in words:lower():gmatch "[^%s,]+" do
    if DEAD[word] then
      return false, "its agent says " .. show.text(word .. (why ~= "" and ": " .. why or ""))
    end
    local said = share_of(word)
    is_known = is_known or said ~= nil
    if word ~= "up" and said then share = (share or 1) * said end
  end
  if not is_known then return false, ("its agent says %s"):format(show.value(line)) end
  return true, share
end

local function set_weight(slot, configured, share)
  local weight = math.floor(configured * share + 0.5)
  if share > 0 and configured > 0 and weight == 0 then weight = 1 end
  C.neap_slot_set_weight(slot, C.neap_slot_at(slot).epoch, math.min(weight, WEIGHT_MAX))
end

local function talk(settings, conn, deadline, apply)
  if settings.send then
    local ok, why = conn:send(settings.send, dial.left(deadline))
    if not ok then return false, dial.why(settings, why) end
  end
  local line, why = read_line(settings, conn, deadline)
  if not line then return false, why end
  local is_alive, said = understood(line)
  if not is_alive then return false, said end
  if said then apply(said) end
  return true
end

-- The program listens beside the backend; what serves requests does not answer in its words.
local function is_missing(settings, backend)
  local own = type(backend) == "table" and backend.health or {}
  return not (own.port or own.address or settings.port or settings.address)
end

-- The log names the backend: what cannot be reached is another port, or another host.
local function name_of(settings, backend, addresses)
  local goals, port = dial.goal(settings, backend, addresses)
  if goals[1]:find "^unix" then return "its agent at " .. goals[1] end
  return ("its agent at %s port %s"):format(goals[1], tostring(port))
end

return function(settings, backend, addresses, slot)
  if is_missing(settings, backend) then
    return false, "its agent has no port (expected health = { type = \"agent\", port = … }, or "
      .. "neap.check.agent { port = … })", "connect"
  end
  local is_alive, why, stage = dial.check(settings, backend, addresses, function(conn, deadline)
    return talk(settings, conn, deadline, function(share)
      if slot then set_weight(slot, backend.weight, share) end
    end)
  end)
  if stage == "connect" then why = ("%s: %s"):format(name_of(settings, backend, addresses), why) end
  return is_alive, why, stage
end
