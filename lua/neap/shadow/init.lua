-- Shadow policies: they are asked about real requests that are on their way, and their answers are
-- only compared. They live in a runtime of their own (neap.instance), in which the config is
-- evaluated once more, so that they share nothing with the real policies. The functions that they
-- get from C read the board and a copy of the request, and change nothing.

local ffi = require "neap.ffi"
local instance = require "neap.instance"
local native = require "neap.native"

local C = ffi.C

local shadow = {}

local COUNTERS_MAX = ffi.numbers.NEAP_BOARD_COUNTERS_MAX

-- Used as they are: they only read, or write to the copy of the view.
local SHARED = {
  "neap_abi_version", "neap_runtime", "neap_clock", "neap_wall_ms", "neap_ping_check",
  "neap_slot_at", "neap_slot_text", "neap_slot_since", "neap_slot_errors",
  "neap_pool_find", "neap_pool_version", "neap_pool_members", "neap_pool_scan",
  "neap_pool_find_name", "neap_pool_ids", "neap_pool_hash",
  "neap_counter_add", "neap_counter_get", "neap_counter_set", "neap_counter_gauge_add",
  "neap_counter_gauge",
  "neap_request_header", "neap_request_cookie", "neap_request_client_ip", "neap_request_id",
  "neap_request_said",
  "neap_request_set_reason",
  "neap_request_field",
  "neap_random", "neap_hash", "neap_hmac", "neap_secret",
  "neap_digest", "neap_mac", "neap_bytes_equal", "neap_random_bytes",
  "neap_key_rsa", "neap_key_ec", "neap_key_ed25519", "neap_key_pem", "neap_key_kind",
  "neap_key_free", "neap_key_verify",
  "neap_regex_create", "neap_regex_destroy", "neap_regex_groups", "neap_regex_name",
  "neap_regex_match", "neap_datagram_key",
}

local function nothing() return 0 end

-- Its counters are cells of this process.
local function new_counters()
  local cells, count = {}, 0
  return function(name, n)
    name = ffi.string(name, n)
    if not cells[name] then
      if count >= COUNTERS_MAX then return nil end
      cells[name], count = ffi.new "uint64_t[1]", count + 1
    end
    return cells[name]
  end
end

-- At the moment of the choice the request was not in flight yet: it does not count.
local function add_loads(own, about)
  function own.neap_slot_inflight(slot)
    local n = C.neap_slot_inflight(slot)
    return slot == about.slot and n > 0 and n - 1 or n
  end
  function own.neap_pool_least_loaded(slots, weights, n, more, first)
    return (C.neap_pool_least_loaded_but(slots, weights, n, more, first, about.slot))
  end
  function own.neap_pool_left(pool, panics, tier, tried, tried_n, to)
    C.neap_pool_left(pool, panics, tier, tried, tried_n, to, about.slot)
  end
end

local function add_log(own, about)
  function own.neap_log(level, text, n)
    if about.is_loading then return end -- the real side has logged it
    text = "shadow: " .. ffi.string(text, n)
    C.neap_log(level, text, #text)
  end
end

---@param about table  slot: where the request that it is asked about is in flight; is_loading
---@return table  what stands in for C's functions
local function functions(about)
  local own = {}
  for _, name in ipairs(SHARED) do own[name] = C[name] end
  own.neap_counter = new_counters()
  own.neap_slot_set_state = nothing
  own.neap_slot_suspect = nothing
  own.neap_request_set_header = nothing
  own.neap_request_set_path = nothing
  own.neap_conn_close = nothing
  add_loads(own, about)
  add_log(own, about)
  return setmetatable(own, {
    __index = function(_, name)
      return function() error("a shadow has no " .. name, 2) end
    end,
  })
end

local function has_any(config)
  for _, pool in ipairs(config.pools) do
    if pool.shadow then return true end
  end
  return false
end

-- Loads the shadows that the config names.
---@param path string  the config's
---@param config table
---@param real table  what is kept of requests (kept), and the real pools (info)
---@return (fun(slot: number): number)? entry  for C: nil where there are no shadows
---@return {key: string, text: string}[] errors
function shadow.build(path, config, real)
  if not has_any(config) then return nil, {} end
  local about = { slot = -1, is_loading = true }
  local own_require = instance.new { C = functions(about), native = native }
  return own_require("neap.shadow.inside").build(path, about, real)
end

return shadow
