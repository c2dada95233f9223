#include "exchange/mirror.h"

#include <stdlib.h>

#include "base/dice.h"
#include "exchange/copy.h"
#include "exchange/deaf.h"
#include "exchange/exchange.h"
#include "exchange/ids.h"
#include "exchange/story.h"
#include "exchange/view.h"
#include "shm/board.h"
#include "shm/board_twice.h"

enum {
	ANSWER_BYTES_MAX = 1024 * 1024, /* of more than that no backend is asked */
	COPY_MS = 60000,		/* all of a copy, if timeouts.request says no less */
};

struct mirrors {
	struct plane *plane;
	struct list open; /* copies */
	uint32_t n;
	struct slab slab;
	void (*on_last)(struct plane *p);
};

struct mirror {
	struct client client;
	struct mirrors *all;
	struct list node;
	struct deferred beginning;
	int pool;	   /* of the original, on the board: where it is counted */
	struct buf block;  /* the head */
	struct peer peer;  /* the original's */
	struct peer local; /* our end of its connection */
	char id[IDS_TEXT_MAX];
	struct exchange ex;
	struct http_field fields[];
};

static struct mirror *of_client(const struct client *c)
{
	return container_of(c, struct mirror, client);
}

static void count(struct plane *p, int pool, enum board_twice_count what)
{
	board_twice_add(p->board, p->worker, pool, what);
}

/* ---- a client that drops what it gets ---- */

static enum client_sent drop(struct client_body *body)
{
	size_t n = body->buf != NULL ? buf_len(body->buf) : 0;
	if (n > 0)
		buf_consume(body->buf, n);
	body->sent += n + body->text_n;
	body->text_n = 0;
	return body->sent > ANSWER_BYTES_MAX ? CLIENT_GONE : CLIENT_TOOK_ALL;
}

static enum client_sent on_answer(struct client *c, struct str head, struct client_body *body)
{
	(void)c;
	(void)head;
	return drop(body);
}

static enum client_sent on_body(struct client *c, struct client_body *body)
{
	(void)c;
	return drop(body);
}

static void tell_local(const struct client *c, struct peer *to)
{
	*to = of_client(c)->local;
}

static bool tell_tls(const struct client *c, struct tls_facts *to)
{
	(void)c;
	(void)to;
	return false;
}

static void on_done(struct client *c);

static const struct client_ops mirror_ops = {
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

/* ---- the end ---- */

static bool is_answered(const struct request *rq)
{
	return rq->status >= 200 && rq->own.status == 0 &&
	       (rq->end == REQUEST_WELL || rq->end == REQUEST_CLIENT_LEFT);
}

static void free_copy(struct mirror *m)
{
	struct mirrors *all = m->all;
	buf_drop(&m->ex.body.buf);
	buf_drop(&m->block);
	list_remove(&m->node);
	slab_put(&all->slab, m);
	if (--all->n == 0 && all->on_last != NULL)
		all->on_last(all->plane);
}

static void on_done(struct client *c)
{
	struct mirror *m = of_client(c);
	loop_defer_cancel(&m->beginning);
	count(m->all->plane, m->pool, is_answered(&m->ex.rq) ? TWICE_ANSWERED : TWICE_FAILED);
	free_copy(m);
}

/* ---- the copy ---- */

static bool copy_head(struct mirror *m, const struct request *from)
{
	struct request *rq = &m->ex.rq;
	struct http_field *fields = rq->head.fields;
	if (!buf_append(&m->block, buf_head(from->block), from->head.bytes))
		return false;
	memcpy(fields, from->head.fields, from->head.n * sizeof(*fields));
	rq->head = from->head;
	rq->head.fields = fields;
	view_fill_request(rq);
	rq->view.connection = NULL; /* it may be gone before the copy is */
	rq->view.secure = from->view.secure;
	rq->view.on_resumed = from->view.on_resumed;
	rq->view.pool = from->pool->mirror.pool;
	return copy_edits(&rq->view, &from->view);
}

/* In logs elsewhere it has the original's name. */
static void copy_names(struct mirror *m, const struct request *from)
{
	struct request *rq = &m->ex.rq;
	struct str id = ids_text(from, m->id);
	if (id.p != m->id)
		memcpy(m->id, id.p, id.n); /* no longer than IDS_TEXT_MAX: ids_begin */
	rq->view.outer_id = m->id;
	rq->view.outer_id_n = (uint32_t)id.n;
	rq->has_trace = from->has_trace;
	memcpy(rq->trace, from->trace, sizeof(rq->trace));
	rq->was_told_to_go_on = from->was_told_to_go_on;
	rq->has_own_body = from->has_own_body;
	rq->own_body_bytes = from->own_body_bytes;
	rq->is_grpc = from->is_grpc;
	rq->timeout_us = from->timeout_us;
	rq->started_us = from->started_us;
}

static void begin(struct deferred *d)
{
	struct mirror *m = container_of(d, struct mirror, beginning);
	struct request *rq = &m->ex.rq;
	request_start_total(rq);
	request_bound_total(rq, COPY_MS);
	exchange_start_copy(&m->ex);
}

static struct mirror *open_copy(struct mirrors *all, const struct exchange *of)
{
	struct mirror *m = slab_take(&all->slab);
	struct exchange_origin origin;
	if (m == NULL)
		return NULL;
	origin = (struct exchange_origin){ all->plane, of->rq.service, &m->client,
					   &m->block,  &m->peer,       m->fields };
	m->client = (struct client){ .ops = &mirror_ops, .keep = true, .form = CLIENT_FRAMED };
	m->all = all;
	m->peer = *of->rq.peer;
	of->client->ops->local(of->client, &m->local);
	buf_init(&m->block, &all->plane->blocks);
	deferred_init(&m->beginning, begin);
	list_append(&all->open, &m->node);
	all->n++;
	exchange_init(&m->ex, &origin);
	m->ex.rq.role = REQUEST_COPY;
	m->ex.rq.is_shadowed = m->ex.rq.is_mirrored = true;
	return m;
}

/* Nothing of it began: there is nothing to be told, either. */
static void drop_copy(struct mirror *m)
{
	struct request *rq = &m->ex.rq;
	hook_finish(rq->service->hooks, &rq->view, NULL);
	body_fini(&m->ex.body);
	free_copy(m);
}

static int board_pool(const struct request *rq)
{
	return atomic_load_explicit(&rq->plane->board->backends[rq->view.slot].pool,
				    memory_order_relaxed);
}

static const char *make_copy(struct exchange *of, int pool)
{
	struct mirrors *all = of->rq.plane->mirrors;
	if (of->body.keep != BODY_KEEPS) {
		count(all->plane, pool, TWICE_BODY);
		return "no copy: its body is not kept";
	}
	struct mirror *m = open_copy(all, of);
	bool has_all = m != NULL && copy_head(m, &of->rq) && copy_body(&m->ex.body, &of->body);
	if (!has_all) {
		if (m != NULL)
			drop_copy(m);
		count(all->plane, pool, TWICE_FULL);
		return "no copy: too many are under way";
	}
	copy_names(m, &of->rq);
	m->pool = pool;
	if (of->rq.story != NULL)
		story_copy(&m->ex.rq);
	count(all->plane, pool, TWICE_MIRRORED);
	loop_defer(all->plane->loop, &m->beginning);
	return "a copy";
}

static void on_whole(struct request *rq)
{
	const struct conf_pool *pool = rq->pool;
	if (rq->asks_switch || (pool->mirror.share < 1 && dice_roll() >= pool->mirror.share))
		return;
	const char *what = make_copy(container_of(rq, struct exchange, rq), board_pool(rq));
	if (unlikely(rq->story != NULL))
		story_mirror(rq, pool->mirror.pool_name, what);
}

/* ---- life ---- */

bool mirror_is_wanted(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->pools_n; i++) {
		if (conf->pools[i].mirror.pool >= 0)
			return true;
	}
	return false;
}

enum err mirrors_create(struct plane *p, uint32_t fields, void (*on_last)(struct plane *p),
			struct error *e)
{
	if (!mirror_is_wanted(p->conf))
		return ERR_OK;
	struct mirrors *all = calloc(1, sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_MEMORY, "no memory for mirrors");
	all->plane = p;
	all->on_last = on_last;
	list_init(&all->open);
	slab_init(&all->slab, sizeof(struct mirror) + fields * sizeof(struct http_field),
		  MIRRORS_MAX);
	p->mirrors = all;
	p->on_whole = on_whole;
	return ERR_OK;
}

uint32_t mirrors_under_way(const struct plane *p)
{
	return p->mirrors != NULL ? p->mirrors->n : 0;
}

void mirrors_cut(struct plane *p, const char *reason)
{
	struct list *node;
	while (p->mirrors != NULL && (node = list_first(&p->mirrors->open)) != NULL)
		exchange_cut(&container_of(node, struct mirror, node)->ex, reason);
}

void mirrors_destroy(struct plane *p)
{
	if (p->mirrors == NULL)
		return;
	p->mirrors->on_last = NULL;
	mirrors_cut(p, "neap's process ended");
	slab_fini(&p->mirrors->slab);
	free(p->mirrors);
	p->mirrors = NULL;
}
