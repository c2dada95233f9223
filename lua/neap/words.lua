-- What C counts, in the words of policies and of operators: lists by the numbers of C's enums.

local N = require("neap.ffi").numbers

local words = {
  states = {
    [N.NEAP_STATE_UNKNOWN] = "unknown", [N.NEAP_STATE_UP] = "up", [N.NEAP_STATE_DOWN] = "down",
    [N.NEAP_STATE_DRAIN] = "drain", [N.NEAP_STATE_EJECTED] = "ejected",
  },
  stages = {
    [N.NEAP_STAGE_CONNECT] = "connect", [N.NEAP_STAGE_SEND] = "send",
    [N.NEAP_STAGE_WAIT] = "wait", [N.NEAP_STAGE_BODY] = "body",
  },
  kinds = {
    [N.NEAP_KIND_REFUSED] = "refused", [N.NEAP_KIND_TIMEOUT] = "timeout",
    [N.NEAP_KIND_RESET] = "reset", [N.NEAP_KIND_PROTOCOL] = "protocol",
    [N.NEAP_KIND_STATUS] = "status", [N.NEAP_KIND_TLS] = "tls",
  },
  hooks = {
    [N.NEAP_HOOK_REQUEST] = "request", [N.NEAP_HOOK_BACKENDS] = "backends",
    [N.NEAP_HOOK_PICK] = "pick", [N.NEAP_HOOK_FAILED] = "failed",
    [N.NEAP_HOOK_RESPONSE] = "response", [N.NEAP_HOOK_LOG] = "log",
    [N.NEAP_HOOK_CHECK] = "check", [N.NEAP_HOOK_DISCOVER] = "discover",
    [N.NEAP_HOOK_CHANGED] = "changed", [N.NEAP_HOOK_SHADOW] = "shadow",
    [N.NEAP_HOOK_LINE] = "access_log.format",
    [N.NEAP_HOOK_CERTIFICATE] = "certificate", [N.NEAP_HOOK_CONNECTION] = "connection",
    [N.NEAP_HOOK_START] = "start", [N.NEAP_HOOK_EVERY] = "every", [N.NEAP_HOOK_ERROR] = "error",
    [N.NEAP_HOOK_KEY] = "key",
  },
  grpc = {
    [N.NEAP_GRPC_OK] = "OK",
    [N.NEAP_GRPC_CANCELLED] = "CANCELLED",
    [N.NEAP_GRPC_UNKNOWN] = "UNKNOWN",
    [N.NEAP_GRPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [N.NEAP_GRPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
    [N.NEAP_GRPC_NOT_FOUND] = "NOT_FOUND",
    [N.NEAP_GRPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
    [N.NEAP_GRPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
    [N.NEAP_GRPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
    [N.NEAP_GRPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
    [N.NEAP_GRPC_ABORTED] = "ABORTED",
    [N.NEAP_GRPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
    [N.NEAP_GRPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
    [N.NEAP_GRPC_INTERNAL] = "INTERNAL",
    [N.NEAP_GRPC_UNAVAILABLE] = "UNAVAILABLE",
    [N.NEAP_GRPC_DATA_LOSS] = "DATA_LOSS",
    [N.NEAP_GRPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
  },
  levels = {
    [N.NEAP_LOG_LEVEL_DEBUG] = "debug", [N.NEAP_LOG_LEVEL_INFO] = "info",
    [N.NEAP_LOG_LEVEL_WARN] = "warn", [N.NEAP_LOG_LEVEL_ERROR] = "error",
  },
}

-- The other way round: word → number.
---@param list table<integer, string>
---@return table<string, integer>
function words.numbers(list)
  local numbers = {}
  for number, word in pairs(list) do numbers[word] = number end
  return numbers
end

return words
