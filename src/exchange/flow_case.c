#include "exchange/flow_case.h"

#include <stdlib.h>
#include <string.h>

#include "exchange/view.h"

enum {
	HELD_CASES = 4096,
	BLOCKS = 256, /* 16 MiB of the worker's memory; more than a batch of datagrams may fill */
	LENGTH = sizeof(uint32_t),
};

static void init(struct flow_case *c, struct flow *f, const struct request_owner *owner)
{
	struct service *s = f->gate->service;
	c->flow = f;
	f->its = c;
	c->held = c->room;
	c->block = NULL;
	c->held_n = 0;
	c->held_max = sizeof(c->room);
	c->is_whole = c->is_held = false;
	list_init(&c->node);
	udp_addr_peer(&c->peer, &f->client);
	request_init(&c->rq, s->plane, s, owner, &c->peer, NULL, NULL);
	attempt_init(&c->at, &c->rq, NULL, NULL, NULL);
	if (f->keys != NULL) {
		c->rq.view.key = f->keys->bytes;
		c->rq.view.key_n = f->keys->n;
	}
}

/* ---- letting go ---- */

void flow_case_wake(struct flow_case *c)
{
	list_remove(&c->node);
	timer_stop(&c->rq.total);
	flows_of(c->flow)->held_n -= c->is_held;
	c->is_held = false;
}

static void drop_held(struct flow_case *c)
{
	flow_case_wake(c);
	flows_of(c->flow)->blocks_n -= c->block != NULL;
	slab_put(&c->rq.plane->blocks, c->block);
	c->block = NULL;
	c->held = c->room;
	c->held_n = 0;
	c->held_max = 0;
	c->is_whole = false;
}

static void put(struct flow_case *c)
{
	struct flows *all = flows_of(c->flow);
	drop_held(c);
	c->flow->its = NULL;
	if (!c->is_spare)
		slab_put(&all->cases, c);
}

void flow_case_follow(struct flow_case *c)
{
	udp_addr_peer(&c->peer, &c->flow->client);
	memcpy(c->rq.view.ip, c->peer.ip, sizeof(c->rq.view.ip));
	c->rq.view.ip_family = c->peer.family;
	c->rq.view.port = c->peer.port;
}

/* What only the case has. */
static bool is_kept(const struct flow_case *c)
{
	const struct request *rq = &c->rq;
	return rq->story != NULL || rq->record != NULL || rq->view.has_state != 0 ||
	       rq->route != NULL || rq->tried != NULL || rq->has_failed || rq->queued_us != 0 ||
	       rq->is_shadowed;
}

void flow_case_drop(struct flow_case *c)
{
	if (is_kept(c)) {
		drop_held(c);
		return;
	}
	timer_stop(&c->rq.timer);
	timer_stop(&c->at.timer);
	put(c);
}

/* What the flow is without its case. */
static void note(const struct flow_case *c)
{
	struct flow *f = c->flow;
	const struct request *rq = &c->rq;
	f->id = rq->view.id;
	f->pool = (int16_t)rq->view.pool;
	f->slot = rq->view.slot;
	f->epoch = rq->view.epoch;
	f->attempt = rq->view.attempt < UINT8_MAX ? (uint8_t)rq->view.attempt : UINT8_MAX;
	f->backend = rq->backend;
	f->slot_use = c->at.slot & 7U;
}

static void drop_eldest(const struct list *held)
{
	flow_case_drop(container_of(list_first(held), struct flow_case, node));
}

/* What the eldest held was sent long ago: it is in no outbox. */
void flow_case_rest(struct flow_case *c)
{
	struct flows *all = flows_of(c->flow);
	note(c);
	flow_case_wake(c);
	list_append(c->block != NULL ? &all->held_blocks : &all->held, &c->node);
	c->is_held = true;
	if (++all->held_n > HELD_CASES)
		drop_eldest(&all->held);
}

void flow_case_wait(struct flow_case *c)
{
	struct plane *p = c->rq.plane;
	if (!list_is_empty(&c->node))
		return;
	list_append(&flows_of(c->flow)->waiting, &c->node);
	int64_t left_ms = c->rq.view.deadline_ms - loop_now_ms(p->loop);
	timer_start(&c->rq.total, timers_step(p->timers, left_ms > 0 ? left_ms : 1));
}

void flow_case_each_waiting(struct flows *all, void (*call)(struct flow *f, void *ctx), void *ctx)
{
	for (struct list *n = all->waiting.next, *next; n != &all->waiting; n = next) {
		next = n->next;
		call(container_of(n, struct flow_case, node)->flow, ctx);
	}
}

void flow_case_end(struct flow_case *c)
{
	free(c->rq.tried);
	put(c);
}

/* ---- beginning, and beginning again ---- */

struct flow_case *flow_case_begin(struct flow *f, const struct request_owner *owner)
{
	struct flow_case *c = slab_take(&flows_of(f)->cases);
	if (c == NULL)
		return NULL;
	c->is_spare = false;
	init(c, f, owner);
	c->is_whole = true;
	view_fill(&c->rq);
	f->started_us = c->rq.started_us;
	return c;
}

static void fill_view(struct flow_case *c)
{
	const struct flow *f = c->flow;
	const struct loop *loop = c->rq.plane->loop;
	struct neap_request *v = &c->rq.view;
	v->id = f->id;
	v->time = loop->unix_now - (double)(loop->now_us - f->started_us) / 1e6;
	v->service = c->rq.service->number;
	v->attempt = f->attempt;
	v->pool = f->pool;
	v->slot = f->slot;
	v->epoch = f->epoch;
	v->tried = NULL;
	v->tried_n = 0;
	v->deadline_ms = 0;
	memcpy(v->ip, c->peer.ip, sizeof(v->ip));
	v->ip_family = c->peer.family;
	v->port = c->peer.port;
}

static void fill(struct flow_case *c)
{
	const struct flow *f = c->flow;
	struct request *rq = &c->rq;
	fill_view(c);
	rq->started_us = f->started_us;
	rq->first_byte_us = flow_first_byte_us(f);
	rq->attempts = f->attempt;
	rq->backend = f->backend;
	if (f->pool >= 0) {
		rq->pool = &rq->plane->conf->pools[f->pool];
		rq->lanes = &rq->service->pools[f->pool];
	}
	c->at.slot = f->slot_use;
}

struct flow_case *flow_case_of(struct flow *f, const struct request_owner *owner)
{
	if (f->its != NULL)
		return f->its;
	struct flows *all = flows_of(f);
	struct flow_case *c = slab_take(&all->cases);
	bool is_spare = c == NULL;
	if (is_spare)
		c = all->spare;
	c->is_spare = is_spare;
	init(c, f, owner);
	fill(c);
	return c;
}

/* ---- what the client sent ---- */

/* Open flows keep theirs for another attempt only: they give way. */
static char *take_block(struct flows *all)
{
	if (all->blocks_n >= BLOCKS && list_is_empty(&all->held_blocks))
		return NULL;
	if (all->blocks_n >= BLOCKS) {
		udp_outbox_flush(all->to_backends);
		drop_eldest(&all->held_blocks);
	}
	char *block = slab_take(&all->plane->blocks);
	all->blocks_n += block != NULL;
	return block;
}

/* A block has room for what does not fit. */
static bool make_room(struct flow_case *c, size_t need, enum flow_case_hold how)
{
	if (c->held_n + need <= c->held_max)
		return true;
	if (how == FLOW_CASE_LITTLE || c->block != NULL || c->held_n + need > PLANE_BLOCK_BYTES ||
	    c->held_max == 0)
		return false;
	c->block = take_block(flows_of(c->flow));
	if (c->block == NULL)
		return false;
	memcpy(c->block, c->held, c->held_n);
	c->held = c->block;
	c->held_max = PLANE_BLOCK_BYTES;
	return true;
}

static bool hold_one(struct flow_case *c, const char *bytes, size_t n, enum flow_case_hold how)
{
	uint32_t length = (uint32_t)n;
	if (!make_room(c, LENGTH + n, how))
		return false;
	memcpy(c->held + c->held_n, &length, LENGTH);
	memcpy(c->held + c->held_n + LENGTH, bytes, n);
	c->held_n += LENGTH + length;
	return true;
}

bool flow_case_hold(struct flow_case *c, const struct datagram *d, enum flow_case_hold how)
{
	size_t step = d->segment != 0 ? d->segment : d->n;
	size_t from = 0;
	do {
		size_t n = d->n - from < step ? d->n - from : step;
		c->is_whole = c->is_whole && hold_one(c, d->bytes + from, n, how);
		from += n;
	} while (from < d->n && c->is_whole);
	return c->is_whole;
}

void flow_case_each(struct flow_case *c, void (*call)(struct flow *f, const struct datagram *d))
{
	for (uint32_t at = 0; at < c->held_n;) {
		uint32_t length;
		memcpy(&length, c->held + at, LENGTH);
		struct datagram d = { .bytes = c->held + at + LENGTH, .n = length };
		call(c->flow, &d);
		at += LENGTH + length;
	}
}
