#include "exchange/switch.h"

#include "exchange/rewrite.h"
#include "net/trim.h"

void switch_init(struct plane *p, uint32_t requests)
{
	trim_slab_init(p->loop, &p->pumps, sizeof(struct pump), requests);
}

/* The head of the 101 goes out before what the backend sent after it. */
static struct stream *steal(const struct attempt *at, struct client *c, struct outbox **to_client)
{
	const struct leg *leg = &at->leg;
	struct answer answer = { .rq = at->rq, .head = &leg->head, .base = buf_head(&leg->in) };
	struct str head;
	return rewrite_response(&answer, &head) ? c->ops->steal(c, head, to_client) : NULL;
}

/* What the client sent after its request belongs to the tunnel. */
static bool take_early_bytes(const struct attempt *at, struct buf *to)
{
	struct body *body = at->body;
	struct buf *block = at->rq->block;
	size_t from = at->rq->head.bytes + body->early;
	size_t n = buf_len(block) - from;
	/* what was kept of the body is gone with the replay; what came after it is the tunnel's */
	body->buf.start = body->buf.end - body->surplus;
	body->kept = body->surplus = 0;
	buf_move(to, &body->buf);
	if (n == 0)
		return true;
	if (!buf_append(to, buf_head(block) + from, n))
		return false;
	block->end -= (uint32_t)n;
	return true;
}

static struct pump *give_up(struct attempt *at)
{
	request_broke(at->rq);
	at->rq->reason = "backend broke off";
	stream_reset(leg_steal(&at->leg));
	return NULL;
}

struct pump *switch_to_pump(struct attempt *at, struct client *c)
{
	struct leg *leg = &at->leg;
	struct request *rq = at->rq;
	struct outbox *to_client;
	struct stream *client;
	struct pump *pump = slab_take(&rq->plane->pumps);
	rq->status = 101;
	rq->can_repeat = false;
	timer_stop(&at->timer);
	if (pump == NULL || (client = steal(at, c, &to_client)) == NULL) {
		slab_put(&rq->plane->pumps, pump);
		return give_up(at);
	}
	pump_init(pump, rq, client, to_client);
	if (!take_early_bytes(at, &pump->up.buf)) {
		switch_end(pump);
		return give_up(at);
	}
	buf_consume(&leg->in, leg->head.bytes);
	(void)buf_change(&leg->in, &rq->plane->blocks); /* else it goes on with a small one */
	buf_move(&pump->down.buf, &leg->in);
	return pump;
}

enum pump_outcome switch_begin(struct pump *pump, struct attempt *at)
{
	enum pump_outcome outcome = pump_begin(pump, leg_steal(&at->leg), &at->leg.out);
	pump_probe_silence(pump);
	return outcome;
}

bool switch_is_over(const struct pump *pump, struct attempt *at, enum pump_outcome outcome)
{
	if (outcome == PUMP_GOES_ON)
		return false;
	at->rq->reason = "";
	if (outcome == PUMP_BROKEN) {
		request_broke(at->rq);
		at->rq->reason = pump_broken_words(pump);
		stream_reset(leg_steal(&at->leg));
	}
	return true;
}

void switch_end(struct pump *pump)
{
	struct plane *p = pump->rq->plane;
	pump_fini(pump);
	slab_put(&p->pumps, pump);
}
