-- `response`, `failure` and `outcome`: the arguments of the later hooks of a request.

local ffi = require "neap.ffi"
local backends = require "neap.runtime.backends"
local body = require "neap.runtime.body"
local current = require "neap.runtime.current"
local fields = require "neap.runtime.fields"
local view = require "neap.runtime.view"
local words = require "neap.words"

local C, string_of = ffi.C, ffi.string
local state, out, refused = current.state, current.out, current.refused

local views = {}

local function needed()
  local r = state.response
  if r == nil then error("response was used outside of its hook", 3) end
  return r
end

local function as_text(what, value)
  if type(value) == "number" then value = tostring(value) end
  if type(value) ~= "string" then
    error(("%s must be a string, not %s"):format(what, type(value)), 3)
  end
  return value
end

local response = {}

function response.header(self, name)
  if type(self) ~= "cdata" then view.needs_colon("response", "header") end
  name = as_text("the name of a header", name)
  if C.neap_response_header(needed(), name, #name) == 0 then return nil end
  return out()
end

function response.headers(self)
  if type(self) ~= "cdata" then view.needs_colon("response", "headers") end
  return fields.iterate(C.neap_response_field, needed())
end

function response.set_header(self, name, value)
  if type(self) ~= "cdata" then view.needs_colon("response", "set_header") end
  name = as_text("the name of a header", name)
  local code
  if value == nil then
    code = C.neap_response_set_header(needed(), name, #name, nil, 0)
  else
    value = as_text("the value of a header", value)
    code = C.neap_response_set_header(needed(), name, #name, value, #value)
  end
  if code ~= 0 then refused(code, name) end
end

function response.add_header(self, name, value)
  if type(self) ~= "cdata" then view.needs_colon("response", "add_header") end
  name = as_text("the name of a header", name)
  value = as_text("the value of a header", value)
  local code = C.neap_response_add_header(needed(), name, #name, value, #value)
  if code ~= 0 then refused(code, name) end
end

-- Of a body that is not here yet, the hook waits for the rest.
function response.body(self, max)
  if type(self) ~= "cdata" then view.needs_colon("response", "body") end
  needed()
  return body.get_answer(state.request, max)
end

function response.set_body(self, bytes)
  if type(self) ~= "cdata" then view.needs_colon("response", "set_body") end
  needed()
  return body.set_answer(state.request, bytes)
end

views.response = view.new("response", function() return state.response end, {
  status = function(r) return r.status end,
  latency = function(r) return r.latency_us / 1e6 end,
  grpc_status = function(r)
    if C.neap_response_header(r, "grpc-status", 11) == 0 then return nil end
    return tonumber(out())
  end,
}, response)

local STAGES, KINDS = words.stages, words.kinds

views.failure = view.new("failure", function() return state.failure end, {
  stage = function(f) return STAGES[f.stage] end,
  kind = function(f) return KINDS[f.kind] end,
  status = function(f) return f.status ~= 0 and f.status or nil end,
  grpc_status = function(f) return f.grpc_status ~= 0 and f.grpc_status or nil end,
  message = function(f) return string_of(f.message) end,
  safe = function(f) return f.safe == 1 end,
  ours = function(f) return f.ours == 1 end,
  kept = function(f) return f.kept == 1 end,
}, {})

local function time(seconds)
  if seconds < 0 then return nil end
  return seconds
end

views.outcome = view.new("outcome", function() return state.outcome end, {
  status = function(o) return o.status end,
  grpc_status = function(o) return o.grpc_status >= 0 and o.grpc_status or nil end,
  attempts = function(o) return o.attempts end,
  backend = function(o) return backends.get(o.slot, o.epoch) end,
  bytes = function(o) return tonumber(o.bytes) end,
  queued = function(o) return time(o.queued) end,
  connect = function(o) return time(o.connect) end,
  first_byte = function(o) return time(o.first_byte) end,
  total = function(o) return time(o.total) end,
  reason = function(o)
    if o.reason == nil or o.reason[0] == 0 then return nil end
    return string_of(o.reason)
  end,
}, {})

return views
