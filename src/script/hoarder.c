#include "script/hoarder.h"

#include "script/place.h"

static int64_t now_ms(const struct hoarder *h)
{
	return loop_now_ms(h->vm->gc.loop);
}

/* Asks Lua, which knows what each policy keeps. */
static void find_hoarder(struct deferred *d)
{
	struct hoarder *h = container_of(d, struct hoarder, look);
	lua_State *L = h->vm->L;
	struct error e;
	uint32_t skipped;
	if (h->service != HOARDER_NONE || !log_may(&h->looks, now_ms(h), &skipped))
		return;
	vm_push_runtime(h->vm, "hoarder");
	if (vm_call(h->vm, 0, 2, FUSE_TICKS_RUNTIME, &e) != ERR_OK) {
		log_error("looking for the policy that fills Lua's memory: %s", e.text);
		return;
	}
	int service = (int)lua_tointeger(L, -2);
	double bytes = lua_tonumber(L, -1);
	lua_pop(L, 2);
	if (service < 0 || (size_t)bytes < h->vm->memory.cap / MEMORY_MARGIN)
		return;
	h->service = service;
	log_error(
		"Lua's memory is full: the policy of service %s keeps at least %.0f MiB of it, so its "
		"hooks get no more until a reload",
		place_service_name((uint32_t)service, h->conf), bytes / 0x1p20);
}

static void on_cycle(void *ctx)
{
	struct hoarder *h = ctx;
	if (!memory_is_full(&h->vm->memory))
		h->service = HOARDER_NONE;
}

static void on_full(void *ctx)
{
	struct hoarder *h = ctx;
	const struct memory *m = &h->vm->memory;
	uint32_t skipped;
	char place[256], more[LOG_LEFT_OUT_MAX];
	if (h->service == HOARDER_NONE)
		loop_defer(h->vm->gc.loop, &h->look);
	if (!log_may(&h->full, now_ms(h), &skipped))
		return;
	place_name(*h->hook, h->conf, place, sizeof place);
	log_error("Lua's memory is full: policies keep %zu MiB of %zu (lua_memory); %s asked for "
		  "more%s",
		  m->used >> 20, m->cap >> 20, place, log_left_out(more, skipped));
}

void hoarder_init(struct hoarder *h, struct vm *vm, const volatile uint32_t *hook)
{
	h->vm = vm;
	h->hook = hook;
	h->service = HOARDER_NONE;
	deferred_init(&h->look, find_hoarder);
	vm->gc.on_cycle = on_cycle;
	vm->gc.on_full = on_full;
	vm->gc.ctx = h;
}

void hoarder_fini(struct hoarder *h)
{
	loop_defer_cancel(&h->look);
}
