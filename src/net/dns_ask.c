#include "net/dns_ask.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_BYTES = 256 * 1024, IN = 1 };

/* Lives until it was told (or cancelled) and c-ares has called back. */
struct dns_ask {
	struct loop *loop; /* lives longer than the resolver */
	ev_timer deadline;
	struct deferred delivery;
	bool is_in_ares;
	enum dns_type type;
	void (*on_done)(void *ctx, const struct dns_found *found); /* NULL: over */
	void *ctx;
	struct dns_found found;
	char *memory; /* of its lines */
};

static void release(struct dns_ask *ask)
{
	if (ask->on_done != NULL || ask->is_in_ares)
		return;
	free(ask->memory);
	free(ask);
}

static void end(struct dns_ask *ask)
{
	ev_timer_stop(ask->loop->ev, &ask->deadline);
	loop_defer_cancel(&ask->delivery);
	ask->on_done = NULL;
}

static void deliver(struct deferred *self)
{
	struct dns_ask *ask = container_of(self, struct dns_ask, delivery);
	void (*on_done)(void *ctx, const struct dns_found *found) = ask->on_done;

	end(ask);
	on_done(ask->ctx, &ask->found);
	release(ask);
}

static void deadline_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct dns_ask *ask = container_of(w, struct dns_ask, deadline);

	(void)ev;
	(void)events;
	ask->found.failure = "timed out";
	loop_defer(ask->loop, &ask->delivery);
}

static const char *failure_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
	case ARES_ENOTFOUND: /* RFC 2308: an answer, too */
	case ARES_ENODATA:
		return NULL;
	case ARES_EBADNAME:
	case ARES_EFORMERR:
		return "not a valid name";
	case ARES_ENOMEM:
		return "out of memory";
	case ARES_EBADRESP:
		return "the DNS server's answer makes no sense";
	case ARES_EDESTRUCTION:
		return "other DNS servers are asked from now on";
	default:
		return "no DNS server gave an answer";
	}
}

static void read_answer(struct dns_ask *ask, const unsigned char *bytes, int n)
{
	struct error e;
	struct out out;

	ask->memory = malloc(LINES_BYTES);
	if (ask->memory == NULL) {
		ask->found.failure = failure_of(ARES_ENOMEM);
		return;
	}
	out_init(&out, ask->memory, LINES_BYTES);
	enum err err = dns_records_write((struct str){ (const char *)bytes, (size_t)n }, ask->type,
					 &out, &ask->found.ttl_s, &e);
	if (err == ERR_OK)
		ask->found.lines = (struct str){ out.p, out.n };
	else
		ask->found.failure = err == ERR_LIMIT ? "the DNS server's answer is too long"
						      : failure_of(ARES_EBADRESP);
}

static void on_ares(void *data, int status, int timeouts, unsigned char *bytes, int n)
{
	struct dns_ask *ask = data;

	(void)timeouts;
	ask->is_in_ares = false;
	if (ask->on_done == NULL) {
		release(ask);
		return;
	}
	ask->found.failure = failure_of(status);
	if (status == ARES_SUCCESS)
		read_answer(ask, bytes, n);
	loop_defer(ask->loop, &ask->delivery);
}

struct dns_ask *dns_ask(struct dns *d, const char *name, enum dns_type type, uint32_t timeout_ms,
			void (*on_done)(void *ctx, const struct dns_found *found), void *ctx)
{
	struct dns_ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		return NULL;
	ask->loop = dns_loop(d);
	ask->type = type;
	ask->on_done = on_done;
	ask->ctx = ctx;
	ask->found.ttl_s = -1;
	ask->is_in_ares = true;
	deferred_init(&ask->delivery, deliver);
	ev_timer_init(&ask->deadline, deadline_cb, timeout_ms / 1000., 0.);
	ev_timer_start(ask->loop->ev, &ask->deadline);
	ares_search(dns_channel(d), name, IN, (int)type, on_ares, ask);
	dns_used(d);
	return ask;
}

void dns_ask_cancel(struct dns_ask *ask)
{
	if (ask == NULL)
		return;
	end(ask);
	release(ask);
}
