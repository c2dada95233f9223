#include "proxy/shadow.h"

#include "base/clock.h"

static void count(const struct exchange *ex, const struct neap_request *copy,
		  enum hook_shadow answer, int64_t ns)
{
	struct board *b = ex->proxy->board;
	int32_t pool = atomic_load_explicit(&b->backends[ex->view.slot].pool, memory_order_relaxed);
	if (pool < 0 || pool >= BOARD_POOLS_MAX)
		return;
	struct board_shadow *c = &b->shadows[ex->proxy->worker][pool];
	struct board_shadow_picks *picks = b->shadow_picks[ex->proxy->worker];

	stat_add(&c->asked, 1);
	stat_add(&c->ns, ns > 0 ? (uint64_t)ns : 0);
	if (answer == SHADOW_ERRED) {
		stat_add(&c->errors, 1);
		return;
	}
	stat_add(&picks[ex->view.slot].real, 1);
	if (answer == SHADOW_NONE) {
		stat_add(&c->none, 1);
		return;
	}
	stat_add(&picks[copy->slot].shadow, 1);
	if (copy->slot == ex->view.slot && copy->epoch == ex->view.epoch)
		stat_add(&c->agreed, 1);
}

/* Once a request, about its first attempt: later ones depend on who failed before. */
void shadow_ask(struct exchange *ex)
{
	if (ex->shadowed || ex->view.attempt != 1 || !ex->at.counted)
		return;
	ex->shadowed = true;
	struct neap_request copy = ex->view;
	copy.reply = (neap_reply){ 0 };
	copy.co = NULL;
	copy.on_resumed = NULL;
	copy.on_trouble = NULL;
	int64_t began_ns = clock_now_ns();
	enum hook_shadow answer = hook_shadow(ex->service->hooks, &copy);
	if (answer != SHADOW_LEFT_OUT)
		count(ex, &copy, answer, clock_now_ns() - began_ns);
}
