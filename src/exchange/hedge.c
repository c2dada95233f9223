#include "exchange/hedge.h"

#include <stdlib.h>

#include "exchange/deaf.h"
#include "exchange/exchange.h"
#include "exchange/rivalry.h"
#include "exchange/story.h"
#include "net/trim.h"
#include "shm/board.h"
#include "shm/board_twice.h"

struct hedges {
	struct slab slab;
};

struct hedge {
	struct client client;
	struct exchange ex;
	struct http_field fields[];
};

static struct hedge *of_client(const struct client *c)
{
	return container_of(c, struct hedge, client);
}

/* ---- its client ---- */

/* An answer that was held, as a failure: nobody wants it. */
static enum client_sent on_answer(struct client *c, struct str head, struct client_body *body)
{
	(void)c;
	(void)head;
	(void)body;
	return CLIENT_GONE;
}

static enum client_sent on_body(struct client *c, struct client_body *body)
{
	(void)c;
	(void)body;
	return CLIENT_TOOK_ALL;
}

static struct client *others(const struct client *c)
{
	return of_client(c)->ex.other->client;
}

static void tell_local(const struct client *c, struct peer *to)
{
	others(c)->ops->local(others(c), to);
}

static bool tell_tls(const struct client *c, struct tls_facts *to)
{
	return others(c)->ops->tls(others(c), to);
}

static void on_done(struct client *c)
{
	struct hedge *h = of_client(c);
	struct exchange *of = h->ex.other;
	bool has_failed = of->other == &h->ex;
	slab_put(&of->rq.plane->hedges->slab, h);
	if (has_failed)
		exchange_rival_failed(of);
}

static const struct client_ops hedge_ops = {
	.interim = deaf_interim,
	.answer = on_answer,
	.reply = deaf_reply,
	.body = on_body,
	.can_drain = deaf_never,
	.is_blocked = deaf_never,
	.end_answer = deaf_nothing,
	.want = deaf_want,
	.is_wanted = deaf_never,
	.watch_end = deaf_nothing,
	.local = tell_local,
	.tls = tell_tls,
	.steal = deaf_steal,
	.done = on_done,
};

/* ---- the rival ---- */

/* Nothing of it began: its request goes on alone. */
static void drop(struct hedge *h)
{
	struct request *rq = &h->ex.rq;
	rq->view.has_state = 0; /* the other's */
	hook_finish(rq->service->hooks, &rq->view, NULL);
	body_fini(&h->ex.body);
	free(rq->tried);
	slab_put(&rq->plane->hedges->slab, h);
}

static void begin(struct request *slow)
{
	struct exchange *of = container_of(slow, struct exchange, rq);
	struct hedge *h = slab_take(&slow->plane->hedges->slab);
	if (h == NULL)
		return;
	struct exchange_origin origin = { slow->plane, slow->service, &h->client,
					  slow->block, slow->peer,    h->fields };
	h->client = (struct client){ .ops = &hedge_ops, .keep = true, .form = CLIENT_FRAMED };
	exchange_init(&h->ex, &origin);
	if (!rivalry_copy(&h->ex, of)) {
		drop(h);
		return;
	}
	of->other = &h->ex;
	h->ex.other = of;
	if (unlikely(slow->story != NULL))
		story_hedge(slow, "is slow: another one is asked");
	exchange_start_copy(&h->ex);
}

static void on_beaten(struct request *rq)
{
	struct board *b = rq->plane->board;
	int pool = atomic_load_explicit(&b->backends[rq->view.slot].pool, memory_order_relaxed);
	board_twice_add(b, rq->plane->worker, pool, TWICE_WON);
	if (unlikely(rq->story != NULL))
		story_hedge(rq, "answered first");
}

/* ---- life ---- */

bool hedge_is_wanted(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->pools_n; i++) {
		if (conf->pools[i].hedge.after != 0)
			return true;
	}
	return false;
}

enum err hedges_create(struct plane *p, uint32_t fields, struct error *e)
{
	if (!hedge_is_wanted(p->conf))
		return ERR_OK;
	p->hedges = calloc(1, sizeof(*p->hedges));
	if (p->hedges == NULL)
		return err_set(e, ERR_MEMORY, "no memory for hedges");
	trim_slab_init(p->loop, &p->hedges->slab,
		       sizeof(struct hedge) + fields * sizeof(struct http_field), HEDGES_MAX);
	p->on_slow = begin;
	p->on_beaten = on_beaten;
	return ERR_OK;
}

void hedges_destroy(struct plane *p)
{
	if (p->hedges != NULL)
		slab_fini(&p->hedges->slab);
	free(p->hedges);
	p->hedges = NULL;
}
