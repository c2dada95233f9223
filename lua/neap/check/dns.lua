-- Checks that the backend answers a DNS query (RFC 1035), and does not say that it cannot.

local bit = require "bit"
local dial = require "neap.check.dial"
local ffi = require "neap.ffi"
local reach = require "neap.check.reach"
local wait = require "neap.runtime.wait"

local C = ffi.C

local WORDS = { "asked by datagrams", "answer" }

local TYPES = { A = 1, NS = 2, SOA = 6, TXT = 16, AAAA = 28 }
local HEADER = 12
local RECURSE = "\1\0" -- flags of a question: RD
-- RFC 1035 §4.1.1: these say nothing good of a server. That a name does not exist is an answer.
local BAD = { [1] = "FORMERR", [2] = "SERVFAIL", [4] = "NOTIMP", [5] = "REFUSED" }

local function wire_name(name)
  local wire = name:gsub("%.$", ""):gsub("([^.]+)%.?", function(label)
    return string.char(#label) .. label
  end)
  return wire .. "\0"
end

local function word(n) return string.char(bit.rshift(n, 8), bit.band(n, 255)) end

local function question_of(settings)
  local id = word(math.floor(C.neap_random() * 65536))
  return id .. RECURSE .. "\0\1\0\0\0\0\0\0" .. wire_name(settings.query)
    .. word(TYPES[settings.record]) .. "\0\1"
end

local function judge(question, answer)
  if #answer < HEADER or answer:sub(1, 2) ~= question:sub(1, 2) or answer:byte(3) < 128 then
    return nil, "this is no answer to the question"
  end
  local code = bit.band(answer:byte(4), 15)
  if BAD[code] then return nil, "it answered " .. BAD[code] end
  return true
end

return function(settings, backend, addresses)
  local question = question_of(settings)
  local function ask(address, seconds, port)
    local sent = dial.datagram_head(settings, backend) .. question
    local answer, why = wait.text(C.neap_wait_udp(address, #address, port or 53, sent, #sent,
      wait.timeout(seconds)))
    if not answer then return nil, why end
    return judge(question, answer)
  end
  return reach.check(settings, backend, addresses, WORDS, ask)
end
