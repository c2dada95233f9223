-- What the board has counted, as Lua tables and numbers.

local ffi = require "neap.ffi"
local words = require "neap.words"

local C, N = ffi.C, ffi.numbers

local counts = {}

local BUCKETS = N.NEAP_HISTOGRAM_BUCKETS

-- Names of what C counts from 0 as a list from 1.
local function list_of(names)
  local list = {}
  for number, name in pairs(names) do list[number + 1] = name end
  return list
end

counts.refusals = list_of {
  [N.NEAP_REFUSED_BAD_REQUEST] = "bad_request", [N.NEAP_REFUSED_SLOW] = "slow_request",
  [N.NEAP_REFUSED_BODY] = "body_too_large", [N.NEAP_REFUSED_URI] = "uri_too_long",
  [N.NEAP_REFUSED_EXPECTATION] = "expectation", [N.NEAP_REFUSED_HEAD] = "head_too_large",
  [N.NEAP_REFUSED_CODING] = "transfer_coding", [N.NEAP_REFUSED_VERSION] = "version",
  [N.NEAP_REFUSED_FAILED] = "all_failed", [N.NEAP_REFUSED_TIMEOUT] = "timeout",
  [N.NEAP_REFUSED_UNAVAILABLE] = "unavailable",
  [N.NEAP_REFUSED_BY_POLICY] = "policy",
  [N.NEAP_REFUSED_CONNECTIONS] = "too_many_connections", [N.NEAP_REFUSED_OTHER] = "other",
}
counts.drops = list_of {
  [N.NEAP_DROP_SESSIONS] = "sessions", [N.NEAP_DROP_SOURCE_DATAGRAMS] = "source_datagrams",
  [N.NEAP_DROP_SOURCE_FLOWS] = "source_flows", [N.NEAP_DROP_HEADER] = "proxy_header",
  [N.NEAP_DROP_LOOP] = "loop", [N.NEAP_DROP_POLICY] = "policy",
  [N.NEAP_DROP_WAITING] = "waiting", [N.NEAP_DROP_DRAINING] = "draining",
  [N.NEAP_DROP_TOO_LONG] = "too_long",
  [N.NEAP_DROP_BUSY] = "busy", [N.NEAP_DROP_UNSENT] = "unsent",
  [N.NEAP_DROP_MEMORY] = "memory",
}
counts.handshakes = list_of {
  [N.NEAP_HANDSHAKE_FULL] = "full", [N.NEAP_HANDSHAKE_RESUMED] = "resumed",
  [N.NEAP_HANDSHAKE_FAILED] = "failed",
}
counts.tls_reasons = list_of {
  [N.NEAP_TLS_REASON_TIMEOUT] = "timeout",
  [N.NEAP_TLS_REASON_LEFT] = "left", [N.NEAP_TLS_REASON_SHED] = "shed",
  [N.NEAP_TLS_REASON_PLAIN] = "plain", [N.NEAP_TLS_REASON_NO_TLS] = "no_tls",
  [N.NEAP_TLS_REASON_VERSION] = "version", [N.NEAP_TLS_REASON_CIPHER] = "cipher",
  [N.NEAP_TLS_REASON_ALPN] = "alpn", [N.NEAP_TLS_REASON_NAME] = "name",
  [N.NEAP_TLS_REASON_CERTIFICATE] = "certificate", [N.NEAP_TLS_REASON_REJECTED] = "rejected",
  [N.NEAP_TLS_REASON_ALERT] = "alert", [N.NEAP_TLS_REASON_CUT] = "cut",
  [N.NEAP_TLS_REASON_RECORD] = "record", [N.NEAP_TLS_REASON_MEMORY] = "memory",
  [N.NEAP_TLS_REASON_OTHER] = "other",
}
counts.h2_abuse = list_of {
  [N.NEAP_H2_ABUSE_RESETS] = "resets",
  [N.NEAP_H2_ABUSE_MADE_RESETS] = "made_resets", [N.NEAP_H2_ABUSE_FIELDS] = "fields",
  [N.NEAP_H2_ABUSE_PINGS] = "pings", [N.NEAP_H2_ABUSE_SETTINGS] = "settings",
  [N.NEAP_H2_ABUSE_EMPTY] = "empty_frames", [N.NEAP_H2_ABUSE_PRIORITY] = "priority",
  [N.NEAP_H2_ABUSE_WINDOWS] = "window_updates",
}
counts.kinds = list_of(words.kinds)
-- The entries from C into Lua.
counts.entries = { "decide", "failed", "response", "log", "certificate", "connection",
  "error", "key" }
counts.hooks = words.hooks

local of_backend = ffi.new "neap_backend_counts"
local of_service = ffi.new "neap_service_counts"
local of_worker = ffi.new "neap_worker_counts"
local of_hook = ffi.new "neap_hook_counts"
local name_of = ffi.new "char[128]"
local value_of = ffi.new "double[2]"

local bounds = {}
for i = 0, BUCKETS - 2 do bounds[i + 1] = C.neap_bucket_bound(i) end
counts.bounds = bounds -- seconds; the last bucket has none

-- Times are { count, sum (seconds), [i] = how many fell into bucket i }.
local function times(from)
  local t = { count = 0, sum = from.sum_us / 1e6 }
  for i = 1, BUCKETS do
    t[i] = from.bucket[i - 1]
    t.count = t.count + t[i]
  end
  return t
end

local of_pool = ffi.new "neap_pool_counts"
local of_twice = ffi.new("double[?]", N.NEAP_BOARD_TWICE_COUNTS)

local function won(index)
  C.neap_count_twice(index, of_twice)
  return of_twice[N.NEAP_TWICE_WON]
end

-- A pool's queue, retry budget and hedges.
---@param index integer  on the board
function counts.pool(index)
  C.neap_count_pool(index, of_pool)
  local p = of_pool
  return {
    queue = { waiting = p.waiting, queued = p.queued, timed_out = p.timed_out, left = p.left,
      waited = p.waited_us / 1e6, refused = p.refused },
    budget = { spent = p.budget_spent, refused = p.budget_refused },
    hedge = { sent = p.hedges_spent, refused = p.hedges_refused, won = won(index) },
  }
end

-- Copies of a pool's requests for its mirror.
---@param index integer  on the board
function counts.mirror(index)
  C.neap_count_twice(index, of_twice)
  return {
    sent = of_twice[N.NEAP_TWICE_MIRRORED], answered = of_twice[N.NEAP_TWICE_ANSWERED],
    failed = of_twice[N.NEAP_TWICE_FAILED],
    skipped = { body = of_twice[N.NEAP_TWICE_BODY], full = of_twice[N.NEAP_TWICE_FULL] },
  }
end

local of_shadow = ffi.new "neap_shadow_counts"
local picks_of = ffi.new "double[2]"

-- A pool's shadow; seconds: the time it took in all.
---@param index integer  on the board
function counts.shadow(index)
  C.neap_count_shadow(index, of_shadow)
  local s = of_shadow
  return {
    asked = s.asked, agreed = s.agreed, none = s.none, errors = s.errors, seconds = s.ns / 1e9,
    differed = s.asked - s.agreed - s.none - s.errors,
  }
end

-- Only requests that the shadow was asked about.
---@return number real, number shadow  how many went to the backend, and would have
function counts.shadow_picks(slot)
  C.neap_count_shadow_picks(slot, picks_of)
  return picks_of[0], picks_of[1]
end

local SLOTS_MAX = N.NEAP_BOARD_BACKENDS_MAX
local slots = ffi.new("int32_t[?]", SLOTS_MAX)
local of_many = ffi.new "neap_times"

-- Over all these members together.
function counts.times_of(members)
  local n = math.min(#members, SLOTS_MAX)
  for i = 1, n do slots[i - 1] = members[i].slot end
  C.neap_count_times(slots, n, of_many)
  return times(of_many)
end

-- The time that this share of all did not exceed; linear within a bucket. nil: there are none.
---@param t table  times
---@param share number
---@return number?
function counts.quantile(t, share)
  if t.count == 0 then return nil end
  local wanted, seen = t.count * share, 0
  for i = 1, BUCKETS do
    if t[i] > 0 and seen + t[i] >= wanted then
      local low, high = bounds[i - 1] or 0, bounds[i] or bounds[BUCKETS - 1]
      return low + (high - low) * (wanted - seen) / t[i]
    end
    seen = seen + t[i]
  end
  return bounds[BUCKETS - 1]
end

local story = ffi.new "neap_life_story"

-- How long it serves, and how its reloads went. Times are Unix time in seconds.
---@return table
function counts.life()
  C.neap_life(story)
  return {
    generation = story.generation, started = story.started_ms / 1000,
    serving = story.serving_ms / 1000, reloads = story.reloads, failures = story.failures,
    last = story.reload_ms / 1000, is_failed = story.is_failed == 1,
    error = ffi.string(story.error),
  }
end

local STATES = require("neap.words").states

-- Names of what a backend's answers are counted by.
counts.classes = { "2xx", "3xx", "4xx", "5xx", "other" }

-- Each answer has a first byte, those of no class too (101, 600 to 999).
local function answers_of(of)
  local counted, answers, other = of.answers, {}, 0
  for i = 0, BUCKETS - 1 do other = other + of.first_byte.bucket[i] end
  for i = 1, #counts.classes - 1 do
    answers[counts.classes[i]] = counted[i - 1]
    other = other - counted[i - 1]
  end
  answers.other = math.max(other, 0) -- the worker counts on while this is read
  return answers
end

-- Answers of several backends together.
---@param sum table  changed
function counts.add_answers(sum, answers)
  for _, class in ipairs(counts.classes) do sum[class] = (sum[class] or 0) + answers[class] end
end

---@param with_times boolean?  with the times to its first bytes, too
---@return table
function counts.backend(slot, with_times)
  C.neap_count_backend(slot, of_backend)
  return {
    inflight = of_backend.inflight,
    requests = of_backend.requests,
    failures = of_backend.failures,
    http2_connections = of_backend.h2_connections,
    http2_streams = of_backend.h2_streams,
    latency = of_backend.latency_us / 1e6,
    pinned = of_backend.pinned > 0 and STATES[of_backend.pinned - 1] or nil,
    first_byte = with_times and times(of_backend.first_byte) or nil,
    answers = answers_of(of_backend),
  }
end

local function array(names, from)
  local t = {}
  for i, name in pairs(names) do t[name] = from[i - 1] end
  return t
end

local GRPC = list_of(require("neap.words").grpc)
table.insert(GRPC, "none")

-- By status; empty as long as there was no call.
local function calls_of(from)
  local calls, sum = array(GRPC, from), 0
  for _, count in pairs(calls) do sum = sum + count end
  return sum > 0 and calls or {}
end

local CLASSES = { "none", "1xx", "2xx", "3xx", "4xx", "5xx", "other" }

---@return table
function counts.service(name)
  local s = of_service
  C.neap_count_service(name, #name, s)
  local seconds = array(counts.entries, s.hook_ns)
  for entry, ns in pairs(seconds) do seconds[entry] = ns / 1e9 end
  return {
    requests = s.requests, bytes = s.bytes, connections = s.connections, retries = s.retries,
    aborted = s.aborted, broken = s.broken,
    answers = array(CLASSES, s.answers),
    refused = array(counts.refusals, s.refused),
    dropped = array(counts.drops, s.dropped),
    grpc = calls_of(s.grpc),
    handshakes = array(counts.handshakes, s.handshakes),
    handshake_failures = array(counts.tls_reasons, s.handshake_failures),
    tls_errors = array(counts.tls_reasons, s.tls_errors),
    h2_abuse = array(counts.h2_abuse, s.h2_abuse),
    failed = array(counts.kinds, s.failed),
    calls = array(counts.entries, s.calls),
    seconds = seconds,
    total = times(s.total),
  }
end

---@return table?  -- nil: this slot was never used
function counts.worker(slot)
  if C.neap_count_worker(slot, of_worker) == 0 then return nil end
  local w = of_worker
  return {
    slot = slot, pid = w.pid, generation = w.generation, requests = w.requests,
    bad_requests = w.bad_requests, hook_errors = w.hook_errors, lua_bytes = w.lua_bytes,
    lag = w.lag_us / 1e6, starts = w.starts, connections = w.connections,
    light_tls = w.light,
  }
end

---@param service integer  from 0
---@param hook integer  see counts.hooks
---@return number errors, number killed, boolean is_tripped, number calls, number seconds
function counts.hook(service, hook)
  C.neap_count_hook(service, hook, of_hook)
  local h = of_hook
  return h.errors, h.killed, h.tripped == 1, h.calls, h.ns / 1e9
end

-- Counters and gauges of policies (neap.metric), in the board's order.
---@return {kind: string, name: string, value: number}[]
function counts.named()
  local list = {}
  for i = 0, 1023 do
    if C.neap_count_named(i, name_of, value_of) == 1 then
      local kind, name = ffi.string(name_of):match "^\31(%a+)\31(.*)$"
      if kind then
        local value = value_of[kind == "gauge" and 1 or 0]
        table.insert(list, { kind = kind, name = name, value = value })
      end
    end
  end
  return list
end

return counts
