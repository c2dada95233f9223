#include "shm/hook_id.h"

static const char *const words[HOOKS] = {
	[HOOK_REQUEST] = "request",
	[HOOK_BACKENDS] = "backends",
	[HOOK_PICK] = "pick",
	[HOOK_FAILED] = "failed",
	[HOOK_RESPONSE] = "response",
	[HOOK_LOG] = "log",
	[HOOK_CHECK] = "check",
	[HOOK_DISCOVER] = "discover",
	[HOOK_CHANGED] = "changed",
	[HOOK_SHADOW] = "shadow",
	[HOOK_LINE] = "access_log.format",
	[HOOK_CERTIFICATE] = "certificate",
	[HOOK_CONNECTION] = "connection",
	[HOOK_START] = "start",
	[HOOK_EVERY] = "every",
	[HOOK_ERROR] = "error",
	[HOOK_KEY] = "key",
};

const char *hook_word(uint32_t id)
{
	return id < HOOKS ? words[id] : "?";
}
