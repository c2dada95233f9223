-- Checks that somebody takes datagrams at the backend's port and, if the settings say so, answers
-- what is expected. Nobody has to answer to a datagram: without `expect` silence is fine, and only
-- ICMP says that nobody is there.

local dial = require "neap.check.dial"
local ffi = require "neap.ffi"
local matcher = require "neap.check.matcher"
local reach = require "neap.check.reach"
local show = require "neap.config.show"
local wait = require "neap.runtime.wait"

local C = ffi.C

local WORDS = { "asked by datagrams", "answer" }

local SILENCE = 1 -- seconds in which ICMP would have come

local function judge(settings, answer)
  if not settings.expect or matcher.is_in(settings.expect, answer) then return true end
  return nil, ("expected %s, got %s"):format(matcher.describe(settings.expect), show.value(answer))
end

return function(settings, backend, addresses)
  local question = dial.datagram_head(settings, backend) .. (settings.send or "")
  local function ask(address, seconds, port)
    if not port or port == 0 then return nil, "health.port is missing (the backend has no port)" end
    if not settings.expect then seconds = math.min(seconds, SILENCE) end
    local answer, why = wait.text(C.neap_wait_udp(address, #address, port, question, #question,
      wait.timeout(seconds)))
    if answer then return judge(settings, answer) end
    if why == "timeout" and not settings.expect then return true end
    return nil, why
  end
  return reach.check(settings, backend, addresses, WORDS, ask)
end
