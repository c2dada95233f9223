#include "exchange/shadow.h"

#include "base/clock.h"
#include "script/shadow.h"
#include "shm/board.h"
#include "shm/stats.h"

static void count(const struct request *rq, const struct neap_request *copy,
		  enum hook_shadow answer, int64_t ns)
{
	struct board *b = rq->plane->board;
	int32_t pool = atomic_load_explicit(&b->backends[rq->view.slot].pool, memory_order_relaxed);
	if (pool < 0 || pool >= BOARD_POOLS_MAX)
		return;
	struct board_shadow *c = &b->shadows[rq->plane->worker][pool];
	struct board_shadow_picks *picks = b->shadow_picks[rq->plane->worker];

	stat_add(&c->asked, 1);
	stat_add(&c->ns, ns > 0 ? (uint64_t)ns : 0);
	if (answer == SHADOW_ERRED) {
		stat_add(&c->errors, 1);
		return;
	}
	stat_add(&picks[rq->view.slot].real, 1);
	if (answer == SHADOW_NONE) {
		stat_add(&c->none, 1);
		return;
	}
	stat_add(&picks[copy->slot].shadow, 1);
	if (copy->slot == rq->view.slot && copy->epoch == rq->view.epoch)
		stat_add(&c->agreed, 1);
}

/* Once a request, about its first attempt: later ones depend on which backends failed. */
void shadow_ask(struct request *rq)
{
	if (rq->is_shadowed || rq->view.attempt != 1)
		return;
	rq->is_shadowed = true;
	struct neap_request copy = rq->view;
	copy.reply = (neap_reply){ 0 };
	copy.co = NULL;
	copy.on_resumed = NULL;
	copy.on_trouble = NULL;
	copy.body_door = NULL;
	copy.route = NULL;
	int64_t began_ns = clock_now_ns();
	enum hook_shadow answer = hook_shadow(rq->service->hooks, &copy);
	if (answer != SHADOW_LEFT_OUT)
		count(rq, &copy, answer, clock_now_ns() - began_ns);
}
