#include "script/cost.h"

#include "base/clock.h"
#include "script/place.h"
#include "shm/board.h"

/* The current hook's; NULL: none. */
static struct board_hook *board_row(const struct cost *c)
{
	uint32_t place = *c->current->hook;
	uint32_t service = place_service(place), hook = place_hook(place);
	if (service >= BOARD_SERVICES_MAX || hook >= BOARD_HOOKS)
		return NULL;
	return &c->current->board->hooks[service][hook];
}

void cost_next_hook(struct cost *c)
{
	int64_t now_ns = clock_now_ns();
	struct board_hook *h = board_row(c);
	if (h != NULL && now_ns > c->since_ns)
		atomic_fetch_add_explicit(
			&h->ns, (uint64_t)(now_ns - c->since_ns) * c->current->cost_factor,
			memory_order_relaxed);
	c->since_ns = now_ns;
}

void cost_begin(struct cost *c, uint32_t factor)
{
	c->current->cost_factor = factor;
	c->since_ns = clock_now_ns();
}

void cost_end(struct cost *c)
{
	if (c->current->cost_factor == 0)
		return;
	cost_next_hook(c);
	c->current->cost_factor = 0;
}

void cost_count_call(const struct cost *c)
{
	struct board_hook *h = board_row(c);
	if (h != NULL)
		atomic_fetch_add_explicit(&h->calls, 1, memory_order_relaxed);
}
