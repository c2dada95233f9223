#include "shm/board_hook.h"

#include "base/cc.h"
#include "shm/board.h"
#include "shm/hook_id.h"

_Static_assert((int)HOOKS <= (int)BOARD_HOOKS, "the board has a row for each");

static struct board_hook *hook_row(struct board *b, unsigned service, unsigned hook)
{
	if (service >= BOARD_SERVICES_MAX || hook >= BOARD_HOOKS)
		return NULL;
	return &b->hooks[service][hook];
}

/* Notes an error; true when it and the four before it lie within the window. */
static bool is_too_often(struct board_hook *h, int64_t now_ms)
{
	uint32_t at = atomic_fetch_add(&h->recent_next, 1) % countof(h->recent_ms);
	int64_t fifth_last = atomic_exchange(&h->recent_ms[at], now_ms);
	return fifth_last != 0 && now_ms - fifth_last <= BOARD_HOOK_WINDOW_MS;
}

static void trip_row(struct board_hook *h, int64_t now_ms)
{
	atomic_store(&h->tripped_until_ms, now_ms + BOARD_HOOK_TRIPPED_MS);
	atomic_store(&h->is_trying, 0);
}

bool board_hook_error(struct board *b, unsigned service, unsigned hook, int64_t now_ms)
{
	struct board_hook *h = hook_row(b, service, hook);
	if (h == NULL)
		return false;
	atomic_fetch_add(&h->errors, 1);
	bool is_often = is_too_often(h, now_ms);
	if (atomic_load(&h->tripped_until_ms) == 0 ? !is_often : atomic_load(&h->is_trying) == 0)
		return false;
	trip_row(h, now_ms);
	return true;
}

void board_hook_count(struct board *b, unsigned service, unsigned hook)
{
	struct board_hook *h = hook_row(b, service, hook);
	if (h != NULL)
		atomic_fetch_add(&h->errors, 1);
}

void board_hook_leave_out(struct board *b, unsigned service, unsigned hook, int64_t now_ms)
{
	struct board_hook *h = hook_row(b, service, hook);
	if (h != NULL)
		trip_row(h, now_ms);
}

void board_hook_trip(struct board *b, unsigned service, unsigned hook, int64_t now_ms)
{
	struct board_hook *h = hook_row(b, service, hook);
	if (h == NULL)
		return;
	atomic_fetch_add(&h->killed, 1);
	trip_row(h, now_ms);
}

bool board_hook_is_tripped(struct board *b, unsigned service, unsigned hook, int64_t now_ms)
{
	struct board_hook *h = hook_row(b, service, hook);
	int64_t until =
		h == NULL ? 0 : atomic_load_explicit(&h->tripped_until_ms, memory_order_relaxed);
	if (likely(until == 0))
		return false;
	if (now_ms < until)
		return true;
	/*
	 * One caller wins the try; if it never reports back (its process died), another may try
	 * after a while.
	 */
	if (!atomic_compare_exchange_strong(&h->tripped_until_ms, &until,
					    now_ms + BOARD_HOOK_WINDOW_MS))
		return until != 0;
	atomic_store(&h->is_trying, 1);
	return false;
}

void board_hook_ok_after_trip(struct board *b, unsigned service, unsigned hook)
{
	struct board_hook *h = hook_row(b, service, hook);
	if (h == NULL || atomic_exchange(&h->is_trying, 0) == 0)
		return;
	for (unsigned i = 0; i < countof(h->recent_ms); i++)
		atomic_store(&h->recent_ms[i], 0);
	atomic_store(&h->tripped_until_ms, 0);
}

void board_hook_untried(struct board *b, unsigned service, unsigned hook)
{
	struct board_hook *h = hook_row(b, service, hook);
	if (h == NULL)
		return;
	int64_t until = atomic_load(&h->tripped_until_ms);
	if (atomic_exchange(&h->is_trying, 0) != 0) /* else it was tripped again meanwhile */
		(void)atomic_compare_exchange_strong(&h->tripped_until_ms, &until, 1);
}
