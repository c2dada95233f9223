#include "exchange/flow.h"

#include <errno.h>

#include "exchange/access.h"
#include "exchange/approach.h"
#include "exchange/bequest.h"
#include "exchange/choice.h"
#include "exchange/flow_case.h"
#include "exchange/flow_entry.h"
#include "exchange/flow_find.h"
#include "exchange/flow_header.h"
#include "exchange/flow_veil.h"
#include "exchange/queue.h"
#include "exchange/reply.h"
#include "exchange/witness.h"
#include "net/sock.h"
#include "shm/board_cell.h"
#include "shm/board_state.h"
#include "shm/stats.h"

/*
 * The deadline of a flow is moved only after a part of it has passed, for most datagrams come in
 * bursts. So it is that part longer than timeouts.udp (service.c): a flow ends late, never early.
 */
enum { TOUCH_PART = 17, GRACE_MS = 100 };

static const struct request_owner owner;

static struct flow *of_request(struct request *rq)
{
	return container_of(rq, struct flow_case, rq)->flow;
}

static void touch(struct flow *f)
{
	struct timer_lane *lane = f->gate->service->udp;
	int64_t left_ms = f->timer.due_ms - loop_now_ms(flows_of(f)->plane->loop);
	if (!timer_runs(&f->timer) ||
	    left_ms < (int64_t)lane->duration_ms - lane->duration_ms / TOUCH_PART)
		timer_start(&f->timer, lane);
}

/* ---- the end ---- */

static void end(struct flow *f, uint16_t status, const char *reason)
{
	struct flow_case *c = flow_case_of(f, &owner);
	c->rq.status = status;
	c->rq.reason = reason;
	f->state = FLOW_END;
}

static void refuse(struct flow *f)
{
	struct request *rq = &f->its->rq;
	reply_count(rq);
	request_broke(rq);
	end(f, rq->own.status, rq->own.reason);
}

static void finish(struct flow *f)
{
	struct flow_case *c = flow_case_of(f, &owner);
	struct request *rq = &c->rq;
	queue_leave(rq, QUEUE_LEFT);
	timer_stop(&rq->timer);
	timer_stop(&rq->total);
	attempt_end(&c->at, ATTEMPT_CLOSE);
	rq->first_byte_us = flow_first_byte_us(f);
	rq->bytes = f->bytes;
	access_end(rq);
	flow_case_end(c);
	flows_put(f);
}

/* ---- datagrams ---- */

static void send_on(struct flow *f, const struct datagram *d)
{
	struct flows *all = flows_of(f);
	struct datagram to = {
		.bytes = d->bytes, .n = d->n, .segment = d->segment, .peer = f->server
	};
	f->sent += datagram_count(d);
	if (unlikely(f->is_veiled) && !flow_veil(f, &to))
		return;
	if (unlikely(f->is_headed)) {
		flow_header_send(f, &to);
		return;
	}
	udp_socket_send(&f->port->socket, all->to_backends, &to, f->gate->service);
}

static void hold(struct flow *f, const struct datagram *d)
{
	uint32_t skipped;
	const struct service *s = f->gate->service;
	if (likely(flow_case_hold(f->its, d, FLOW_CASE_MUCH)))
		return;
	if (flow_drop(&flows_of(f)->drops, s, DROP_WAITING, datagram_count(d), &skipped))
		log_warn("service %s: datagrams were dropped: too much came while a hook or a slot "
			 "was awaited (%u more)",
			 s->conf->name, skipped);
}

/* A further one of a flow that is there. */
static void pass(struct flow *f, const struct datagram *d)
{
	if (f->state != FLOW_OPEN) {
		hold(f, d);
		return;
	}
	touch(f);
	send_on(f, d);
	if (f->its != NULL && f->its->held_n > 0 && !flow_case_hold(f->its, d, FLOW_CASE_LITTLE)) {
		flow_flush(flows_of(f)); /* what the case holds may be in the outbox still */
		flow_case_drop(f->its);
	}
}

static bool is_answered(const struct flow *f)
{
	uint32_t each = f->gate->service->conf->responses;
	return each != 0 && f->answered >= (uint64_t)f->sent * each;
}

static void note_first_answer(struct flow *f)
{
	struct plane *p = flows_of(f)->plane;
	int64_t us = p->loop->now_us - f->started_us;
	f->first_byte_us = us > UINT32_MAX ? UINT32_MAX : us > 0 ? (uint32_t)us : 1;
	board_latency(p->board, f->slot, f->first_byte_us);
	board_answer(p->board, p->worker, f->slot, 200, f->first_byte_us);
	if (f->its != NULL)
		attempt_answered(&f->its->at, 0);
}

/* Only the backend of a flow may answer it, and only through the port that the flow has. */
static void on_answer(struct flow_port *port, const struct datagram *d)
{
	struct flows *all = port->ports->owner;
	struct flow *f = flows_find_answer(all, port, &d->peer);
	if (f == NULL)
		return;
	struct datagram to = { .bytes = d->bytes,
			       .n = d->n,
			       .segment = d->segment,
			       .peer = *flow_sender(f),
			       .local = f->local };
	udp_socket_send(&f->gate->socket, all->to_clients, &to, f->gate->service);
	if (unlikely(f->gate->service->ready_key != NULL))
		flow_learn(f, d);
	if (f->answered == 0)
		note_first_answer(f);
	f->answered += datagram_count(d);
	f->bytes += d->n;
	if (is_answered(f)) {
		end(f, 200, "");
		finish(f);
		return;
	}
	touch(f);
	if (f->its != NULL)
		flow_case_drop(f->its);
}

/* ---- getting a backend ---- */

static enum attempt_outcome connect_to(struct flow_case *c, const struct addr *to)
{
	struct flow *f = c->flow;
	int sys = 0;
	if (!udp_addr_of(&f->server, to))
		return attempt_fail(&c->at, NEAP_STAGE_CONNECT, NEAP_KIND_REFUSED,
				    "its address is not one of UDP");
	f->is_veiled = c->rq.pool->is_veiled;
	if (unlikely(f->is_veiled) && !flow_veil_fits(f))
		return attempt_refuse(&c->at, 503, "source = \"client\" and another IP version");
	if (flows_connect(f, &sys))
		return ATTEMPT_STANDS;
	uint32_t skipped;
	if (log_may(&flows_of(f)->porting, loop_now_ms(c->rq.plane->loop), &skipped))
		log_error("cannot reach %s: %s (%u more)", c->rq.backend->url,
			  sys != 0 ? sock_err_text(sys)
				   : "every port that neap may open has a flow to it",
			  skipped);
	return attempt_refuse(&c->at, 503, "no port is left for the backend");
}

static enum attempt_outcome approach(struct flow_case *c)
{
	struct request *rq = &c->rq;
	struct backend *b = upstream_backend(&rq->plane->upstream, rq->view.slot, rq->view.epoch);
	rq->backend = b;
	rq->is_untouched = true;
	c->at.started_us = rq->plane->loop->now_us;
	if (b == NULL)
		return attempt_fail(&c->at, NEAP_STAGE_CONNECT, NEAP_KIND_REFUSED,
				    "the backend was removed");
	c->flow->is_headed = b->send_proxy != SEND_PROXY_NONE;
	if (c->at.slot == SLOT_NONE && !approach_enter(&c->at))
		return ATTEMPT_SLOT_LOST;
	if (b->addrs_n == 0)
		return attempt_fail(&c->at, NEAP_STAGE_CONNECT, NEAP_KIND_REFUSED,
				    "its name has no address");
	return connect_to(c, &b->addrs[b->first]);
}

/* What came of its client so far goes on. */
static void open_up(struct flow *f)
{
	struct flow_case *c = f->its;
	f->state = FLOW_OPEN;
	f->sent = 0;
	timer_stop(&c->at.timer); /* nobody says that a flow stands */
	touch(f);
	flow_case_each(c, send_on);
	attempt_ask_shadow(&c->at);
	flow_case_rest(c);
}

static void follow(struct flow *f, enum choice choice)
{
	switch (choice) {
	case CHOICE_BACKEND:
		f->state = FLOW_TAKE;
		break;
	case CHOICE_AGAIN:
		f->state = FLOW_PICK;
		break;
	case CHOICE_PARK:
		f->state = FLOW_PARKED;
		break;
	case CHOICE_QUEUE:
		f->state = FLOW_QUEUED;
		break;
	case CHOICE_SCRIPT:
		request_broke(&f->its->rq);
		end(f, (uint16_t)f->its->rq.view.reply.status, "the policy refused it");
		break;
	case CHOICE_OWN:
	case CHOICE_PASS: /* no answer is ever held */
	case CHOICE_GO:	  /* nor has one a head */
		refuse(f);
		break;
	}
}

static void after_attempt(struct flow *f, enum attempt_outcome outcome)
{
	switch (outcome) {
	case ATTEMPT_STANDS:
	case ATTEMPT_CONNECTS: /* never: there is no connection */
		open_up(f);
		break;
	case ATTEMPT_FAILED:
		f->state = FLOW_FAILED;
		break;
	case ATTEMPT_SLOT_LOST:
		follow(f, choice_slot_lost(&f->its->rq));
		break;
	case ATTEMPT_SHORT:
		refuse(f);
		break;
	}
}

/* One state; true: look at the next one at once. */
static bool step(struct flow *f)
{
	switch ((enum flow_state)f->state) {
	case FLOW_DECIDE:
		follow(f, choice_decide(&f->its->rq));
		return true;
	case FLOW_PICK:
		follow(f, choice_pick(&f->its->rq));
		return true;
	case FLOW_FAILED:
		follow(f, choice_failed(&f->its->rq));
		return true;
	case FLOW_TAKE:
		after_attempt(f, approach(f->its));
		return true;
	case FLOW_PARKED:
	case FLOW_QUEUED:
	case FLOW_OPEN:
	case FLOW_END:
		break;
	}
	return false;
}

static void run(struct flow *f)
{
	unsigned failures = 0;
	while (step(f)) {
		if (unlikely(f->state == FLOW_FAILED) && request_must_rest(&f->its->rq, &failures))
			break;
	}
	if (f->state == FLOW_END)
		finish(f);
	else if (f->state != FLOW_OPEN)
		flow_case_wait(f->its);
}

/* Its hooks and the queue have so much time from now on: no client waits longer for a datagram. */
static void give_time(struct request *rq)
{
	rq->view.deadline_ms = loop_now_ms(rq->plane->loop) + rq->service->conf->timeouts.udp;
}

/* Not in a batch of datagrams: what it sends goes out now. */
static void run_alone(struct flow *f)
{
	struct flows *all = flows_of(f);
	run(f);
	flow_flush(all);
}

/* ---- failures ---- */

/* Its backend has said something before: `failed` is asked of attempts only. */
static void break_off(struct flow *f, enum neap_kind kind, const char *message)
{
	struct flow_case *c = flow_case_of(f, &owner);
	attempt_count_failure(&c->at, kind);
	request_broke(&c->rq);
	end(f, 502, message);
	finish(f);
}

static void fail(struct flow *f, enum neap_stage stage, enum neap_kind kind, const char *message)
{
	if (f->answered > 0) {
		break_off(f, kind, message);
		return;
	}
	struct flow_case *c = flow_case_of(f, &owner);
	if (c->is_spare) {
		break_off(f, kind, message);
		return;
	}
	c->rq.can_repeat = c->is_whole && kind == NEAP_KIND_REFUSED;
	timer_stop(&f->timer);
	flows_disconnect(f);
	flow_case_wake(c);
	give_time(&c->rq);
	after_attempt(f, attempt_fail(&c->at, stage, kind, message));
	run_alone(f);
}

static void on_trouble(struct flow_port *port, const struct udp_addr *to, int sys)
{
	struct flow *f = flows_find_answer(port->ports->owner, port, to);
	if (f == NULL || sys == 0)
		return;
	if (sys == EMSGSIZE) { /* the path's: no failure of the backend's */
		flow_drop_unsent(&flows_of(f)->drops, f->gate->service, sys, 1, 0);
		return;
	}
	fail(f, NEAP_STAGE_CONNECT, NEAP_KIND_REFUSED, sock_err_text(sys));
}

static void on_idle(struct timer *timer)
{
	struct flow *f = container_of(timer, struct flow, timer);
	if (f->gate->service->conf->responses != 0 && f->answered == 0) {
		fail(f, NEAP_STAGE_WAIT, NEAP_KIND_TIMEOUT, "no answer in time");
		return;
	}
	end(f, 200, "");
	finish(f);
}

/* ---- events of the parts ---- */

static void on_choice(struct request *rq, enum choice choice)
{
	struct flow *f = of_request(rq);
	follow(f, choice);
	run_alone(f);
}

static void on_turn(struct request *rq)
{
	struct flow *f = of_request(rq);
	f->state = FLOW_PICK;
	run_alone(f);
}

/* Its time in the queue is over, or it has rested. */
static void on_due(struct timer *timer)
{
	struct request *rq = container_of(timer, struct request, timer);
	struct flow *f = of_request(rq);
	if ((f->state == FLOW_QUEUED || f->state == FLOW_PARKED) && rq->queued_since_us != 0)
		follow(f, choice_queue_over(rq));
	run_alone(f);
}

/* It has waited for a hook or a slot for too long. A hook is told first, so that its default decides. */
static void on_total_due(struct timer *timer)
{
	struct request *rq = container_of(timer, struct request, total);
	struct flow *f = of_request(rq);
	int64_t late_ms = loop_now_ms(rq->plane->loop) - rq->view.deadline_ms;
	if (rq->view.co != NULL && late_ms < GRACE_MS) {
		timer_start(timer, timers_step(rq->plane->timers, GRACE_MS));
		return;
	}
	if (rq->view.co != NULL)
		hook_cancel(&rq->view);
	request_own(rq, 504, "the deadline for a backend is over");
	refuse(f);
	finish(f);
}

static const struct request_owner owner = {
	.on_choice = on_choice,
	.on_turn = on_turn,
	.on_due = on_due,
	.on_total_due = on_total_due,
};

/* ---- the beginning ---- */

/* name: NULL where no policy asks for one. */
static void begin(struct flows *all, struct flow_gate *g, const struct datagram *d,
		  const struct flow_name *name)
{
	if (!flow_entry_may(g, d))
		return;
	struct flow *f = flows_take(all, g, d);
	if (f == NULL) {
		flow_entry_fail(g, d);
		return;
	}
	timer_init(&f->timer, on_idle);
	if (name != NULL)
		flow_name_it(f, name);
	struct flow_case *c = flow_case_begin(f, &owner);
	if (c == NULL || !flow_case_hold(c, d, FLOW_CASE_MUCH)) {
		flow_entry_fail(g, d);
		if (c != NULL)
			flow_case_end(c);
		flows_put(f);
		return;
	}
	stat_add(&g->service->counts->connections, 1);
	if (g->service->conf->requests == 1)
		flows_unbind(f);
	give_time(&c->rq);
	witness_begin(&c->rq);
	run(f);
}

static void go_on(struct flow *f, const struct datagram *d)
{
	uint32_t most = f->gate->service->conf->requests;
	pass(f, d);
	if (unlikely(most != 0) && f->sent >= most)
		flows_unbind(f);
}

/* Whoever has the key is the client, if the policy lets such a one in. */
static bool may_move(struct flow *f, struct flow_gate *g, const struct datagram *d)
{
	if (likely(!flow_has_moved(f, g, d)))
		return true;
	if (!flow_entry_may_follow(g, d))
		return false;
	flow_move(f, g, d);
	return true;
}

static void take_keyed(struct flow_gate *g, const struct datagram *d)
{
	struct flow_name name;
	struct flow *f;
	if (!flow_find(g, d, &name, &f))
		flow_entry_refuse(g, d);
	else if (f == NULL)
		begin(g->service->plane->flows, g, d, &name);
	else if (may_move(f, g, d))
		go_on(f, d);
}

/* Those that came in one piece may belong to several flows. */
static void take_each(struct flow_gate *g, const struct datagram *d,
		      void (*take)(struct flow_gate *g, const struct datagram *d))
{
	struct datagram one;
	for (size_t at = 0; datagram_split(d, &at, &one);)
		take(g, &one);
}

static void take_by_address(struct flow_gate *g, const struct datagram *d)
{
	struct flows *all = g->service->plane->flows;
	struct flow *f = flows_find_client(all, g, d);
	if (f == NULL)
		begin(all, g, d, NULL);
	else
		go_on(f, d);
}

void flow_take(struct flow_gate *g, const struct datagram *d)
{
	if (unlikely(g->service->asks_key))
		take_each(g, d, take_keyed);
	else if (unlikely(d->segment != 0 && g->service->conf->requests != 0))
		take_each(g, d, take_by_address);
	else
		take_by_address(g, d);
}

void flow_flush(struct flows *all)
{
	udp_outbox_flush(all->to_backends);
}

/* ---- all of them ---- */

static void cut(struct flow *f, const char *reason)
{
	struct flow_case *c = flow_case_of(f, &owner);
	if (c->rq.view.co != NULL)
		hook_cancel(&c->rq.view);
	request_cut(&c->rq, reason, f->answered > 0);
	c->rq.reason = reason;
	f->state = FLOW_END;
	finish(f);
}

struct cutting {
	const struct flow_gate *gate;
	const char *reason;
};

static void cut_if(struct flow *f, void *ctx)
{
	const struct cutting *cutting = ctx;
	if (cutting->gate == NULL || f->gate == cutting->gate)
		cut(f, cutting->reason);
}

void flow_cut_all(struct flows *all, const struct flow_gate *g, const char *reason)
{
	struct cutting cutting = { g, reason };
	flows_each(all, cut_if, &cutting);
	flow_case_each_waiting(all, cut_if, &cutting);
}

/* Its heir has it: nothing is told of it here. */
static void leave(struct flow *f)
{
	struct flow_case *c = flow_case_of(f, &owner);
	attempt_end(&c->at, ATTEMPT_CLOSE);
	hook_finish(c->rq.service->hooks, &c->rq.view, NULL);
	flow_case_end(c);
	flows_put(f);
}

void flow_give_all(struct flows *all, int channel)
{
	struct cutting cutting = { NULL, "cut: another worker has its socket" };
	udp_outbox_flush(all->to_clients);
	bequest_give(all, channel, leave);
	flows_each(all, cut_if, &cutting);
	flow_ports_fini(&all->ports[0]);
	flow_ports_fini(&all->ports[1]);
}

void flow_adopt(struct flow *f)
{
	timer_init(&f->timer, on_idle);
	f->state = FLOW_OPEN;
	touch(f);
}

enum err flow_create_all(struct plane *p, void (*on_none)(struct plane *p), struct error *e)
{
	enum err err = flows_create(p, sizeof(struct flow_case), e);
	if (p->flows == NULL)
		return err;
	p->flows->on_answer = on_answer;
	p->flows->on_trouble = on_trouble;
	p->flows->on_none = on_none;
	return err;
}
