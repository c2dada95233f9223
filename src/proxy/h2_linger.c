#include "proxy/h2_linger.h"

#include "proxy/h2_sender.h"

enum { LINGER_BYTES = 16 * 1024 * 1024 };

static int64_t now_ms(const struct h2_client *c)
{
	return loop_now_ms(c->ex.rq.plane->loop);
}

bool h2_linger_is_due(const struct h2_client *c)
{
	return c->is_known && !c->has_ended && c->fault == NULL && c->answer == H2_ANSWERED &&
	       !c->is_connect && h2_sender_is_taken(c);
}

/* What came may come again, though nobody took it. */
static void open_window(struct h2_client *c)
{
	h2_session_took(h2_stream_session(c), c->id, (size_t)(c->came - c->opened));
	c->opened = c->came;
}

void h2_linger_begin(struct h2_client *c, void (*on_due)(struct timer *timer))
{
	struct request *rq = &c->ex.rq;
	uint32_t ms = rq->service->conf->timeouts.linger;
	c->is_over = true;
	c->is_blocked = false;
	c->sending = NULL;
	c->dropped = 0;
	c->linger_until_ms = ms == 0 ? INT64_MAX : now_ms(c) + ms;
	buf_drop(&c->ex.body.buf);
	buf_drop(&c->ex.body.trailers);
	buf_drop(&c->head);
	buf_drop(&c->kept);
	h2_queue_drop(&c->queue, &c->memory->pieces);
	open_window(c);
	timer_init(&rq->timer, on_due);
	timer_start(&rq->timer, rq->service->silence);
	h2_link_stir(c->link);
}

bool h2_linger_is_enough(const struct h2_client *c)
{
	return c->has_ended || c->dropped > LINGER_BYTES || now_ms(c) >= c->linger_until_ms;
}

void h2_linger_drop(struct h2_client *c, size_t n)
{
	c->dropped += n;
	if (h2_linger_is_enough(c))
		return;
	open_window(c);
	timer_start(&c->ex.rq.timer, c->ex.rq.service->silence);
}
