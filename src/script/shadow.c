#include "script/shadow.h"

#include "base/log.h"
#include "script/entry.h"
#include "script/place.h"
#include "script/trip.h"
#include "shm/board_hook.h"

/* A shadow may hold the loop once, not five times. */
static enum hook_shadow shadow_erred(struct hooks *h, struct co *co, enum co_result result)
{
	trip_report(h, co, HOOK_SHADOW, result == CO_WAITING ? "a shadow may not wait" : NULL);
	if (co->slow_ms >= FUSE_TICK_MS && h->table->failure == NULL) {
		board_hook_leave_out(h->table->board, h->service, HOOK_SHADOW,
				     loop_now_ms(h->cos->loop));
		log_error("hook shadow of service %s held the loop: nothing is compared for 30 s",
			  hooks_service(h));
	}
	co_drop(co);
	return SHADOW_ERRED;
}

/*
 * Shadows share the state's memory with the real hooks. When it becomes scarce, this process asks
 * its shadows no more.
 */
static void spare_memory(struct hook_table *t)
{
	const struct memory *m = &t->vm->memory;
	gc_run_whole(&t->vm->gc);
	if (m->used <= m->cap / 2)
		return;
	for (unsigned i = 0; i < t->services_n; i++)
		t->services[i].have &= ~(1u << HOOK_SHADOW);
	log_error("Lua's memory is half full (%zu MiB): this process asks the shadows of its pools "
		  "no more",
		  m->used >> 20);
}

enum hook_shadow hook_shadow(struct hooks *h, struct neap_request *copy)
{
	uint32_t verdict = 0;
	enum hook_shadow answer;
	struct co *co = NULL;
	uint32_t trying;
	if (hooks_have(h, HOOK_SHADOW) && trip_look(h, ENTRY_SHADOW, 0, &trying) == 0)
		co = co_take(h->cos);
	if (unlikely(co == NULL))
		return SHADOW_LEFT_OUT;
	entry_prepare(co, h, copy, ENTRY_SHADOW);
	co->response = NULL;
	co->failure = NULL;
	co->outcome = NULL;
	co->skip = co->trying = 0;
	co->memory_user = MEMORY_OF_POLICY;
	*h->cos->current.hook = place_of(h->service, HOOK_SHADOW);
	enum co_result result = co_run(co, h->entries[ENTRY_SHADOW], (double)copy->slot, &verdict);
	if (likely(result == CO_DONE)) {
		co_put(co);
		if (unlikely(trying != 0))
			trip_settle(h, trying, 1u << HOOK_SHADOW);
		answer = verdict == NEAP_BACKEND ? SHADOW_PICKED : SHADOW_NONE;
	} else {
		answer = shadow_erred(h, co, result);
	}
	vm_look_at_garbage(h->vm);
	if (unlikely(h->vm->memory.used > h->vm->memory.cap / 2))
		spare_memory(h->table);
	return answer;
}
