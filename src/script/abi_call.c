/* Requests of HTTP/2 that Lua makes. */
#include "script/abi_call.h"

#include "base/clock.h"
#include "http/h2_unary.h"
#include "script/abi.h"
#include "script/policies.h"

static void give(struct str s)
{
	io_give(&policies_current()->cos.io, s.p, s.n);
}

NEAP_API neap_call *neap_call_open(const char *head, size_t n, uint32_t secure, const char *body,
				   size_t body_n)
{
	return h2_unary_create((struct str){ head, n }, secure != 0 ? STR("https") : STR("http"),
			       (struct str){ body, body_n });
}

NEAP_API void neap_call_close(neap_call *c)
{
	h2_unary_destroy(c);
}

/* The text outlives this call: Lua copies it at once. */
NEAP_API uint32_t neap_call_send(neap_call *c)
{
	static char bytes[H2_GATHER_MIN];
	size_t n = h2_unary_gather(c, bytes, sizeof(bytes));
	if (n == 0)
		return 0;
	give((struct str){ bytes, n });
	return 1;
}

NEAP_API uint32_t neap_call_receive(neap_call *c, const char *bytes, size_t n)
{
	enum h2_unary_state state = h2_unary_receive(c, bytes, n, clock_coarse_ms());
	if (state == H2_UNARY_FAILED)
		give(str_of(h2_unary_fault(c)));
	return (uint32_t)state;
}

NEAP_API void neap_call_fields(neap_call *c)
{
	give(h2_unary_fields(c));
}

NEAP_API void neap_call_body(neap_call *c)
{
	give(h2_unary_body(c));
}
