#include "script/cost.h"

#include "script/co.h"

static struct board_hook *row(const struct vm *vm, uint32_t place)
{
	uint32_t service = place >> 8, hook = place & 0xff;
	if (service >= BOARD_SERVICES_MAX || hook >= BOARD_HOOKS)
		return NULL;
	return &vm->o.board->hooks[service][hook];
}

/* What passed since the last time is the hook's that runs now. */
static void charge(struct vm *vm)
{
	int64_t now = clock_now_ns();
	struct board_hook *h = row(vm, *vm->current.hook);
	if (h != NULL && now > vm->cost_since_ns)
		atomic_fetch_add_explicit(
			&h->ns, (uint64_t)(now - vm->cost_since_ns) * vm->current.cost_factor,
			memory_order_relaxed);
	vm->cost_since_ns = now;
}

void cost_begin(struct vm *vm, uint32_t factor)
{
	vm->current.cost_factor = factor;
	vm->cost_since_ns = clock_now_ns();
}

void cost_end(struct vm *vm)
{
	if (vm->current.cost_factor == 0)
		return;
	charge(vm);
	vm->current.cost_factor = 0;
}

NEAP_API void neap_hook_stage(void)
{
	charge(vm_current());
}

NEAP_API void neap_hook_enter(uint32_t service, uint32_t hook)
{
	struct vm *vm = vm_current();
	struct co *co = co_running(vm);
	struct board_hook *h = row(vm, service << 8 | hook);
	*vm->current.hook = service << 8 | hook;
	if (h != NULL)
		atomic_fetch_add_explicit(&h->calls, 1, memory_order_relaxed);
	if (co == NULL)
		return;
	co->is_costed = true;
	cost_begin(vm, 1);
}

NEAP_API uint64_t *neap_hook_calls(uint32_t service, const char *name, size_t n)
{
	static uint64_t unseen[BOARD_COUNTED]; /* where no worker counts */
	const struct vm_options *o = &vm_current()->o;
	if (o->worker < 0)
		return unseen;
	/* Lua has no atomics: aligned words that one process writes need none on 64 bits. */
	return (uint64_t *)board_service_cell(o->board, (unsigned)o->worker, service,
					      (struct str){ name, n })
		->hooks;
}
