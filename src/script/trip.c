#include "script/trip.h"

#include "base/log.h"
#include "lua/traceback.h"
#include "shm/board.h"
#include "shm/board_hook.h"

enum { ERROR_TEXT_MAX = 2048, TROUBLE_TEXT_MAX = 256 };

uint32_t trip_find(const struct hooks *h, uint32_t wanted, uint32_t *trying)
{
	struct board *b = h->table->board;
	uint32_t mask = 0;
	for (unsigned id = 0; wanted >> id != 0; id++) {
		if ((wanted >> id & 1) == 0 ||
		    atomic_load_explicit(&h->rows[id].tripped_until_ms, memory_order_relaxed) == 0)
			continue;
		if (board_hook_is_tripped(b, h->service, id, loop_now_ms(h->cos->loop)))
			mask |= 1u << id;
		else
			*trying |= 1u << id;
	}
	return mask;
}

void trip_settle(struct hooks *h, uint32_t trying, uint32_t ran)
{
	struct board *b = h->table->board;
	for (unsigned id = 0; trying >> id != 0; id++) {
		if ((trying & ran) >> id & 1)
			board_hook_ok_after_trip(b, h->service, id);
		else if ((trying >> id & 1) != 0)
			board_hook_untried(b, h->service, id);
	}
}

bool trip_refuses(const struct hooks *h, unsigned id)
{
	if (id == HOOK_CONNECTION || id == HOOK_KEY)
		return h->mercy != MERCY_DEFAULT;
	if (h->mercy == MERCY_REFUSE)
		return id <= HOOK_PICK;
	return h->mercy == MERCY_NONE && id <= HOOK_RESPONSE;
}

/* What requests get without that hook. */
static const char *what_follows(const struct hooks *h, unsigned id)
{
	if (id == HOOK_SHADOW)
		return "nothing is compared";
	if (id == HOOK_LINE)
		return "lines are the combined ones";
	if (id == HOOK_ERROR)
		return "errors are told in neap's words";
	if (id == HOOK_CERTIFICATE)
		return "the configured certificates are shown";
	if (id == HOOK_CONNECTION)
		return trip_refuses(h, id) ? "connections are closed" : "connections are let in";
	if (id == HOOK_KEY)
		return trip_refuses(h, id) ? "datagrams are dropped" : "flows are found by address";
	return trip_refuses(h, id) ? "its requests are refused" : "the default decides";
}

/*
 * Clients choose the name that a certificate is asked for. What goes wrong with one must not take the
 * certificates of the others, unless it costs them time: the fuse blew, or (WHY) the wait was too long.
 */
static bool may_trip(const struct co *co, unsigned id, const char *why)
{
	return id != HOOK_CERTIFICATE || co->has_blown || why != NULL;
}

static void count_error(struct hooks *h, const struct co *co, unsigned id, const char *why)
{
	const struct hook_table *t = h->table;
	if (t->worker >= 0 && id != HOOK_SHADOW)
		atomic_fetch_add_explicit(&t->board->workers[t->worker].hook_errors, 1,
					  memory_order_relaxed);
	if (!may_trip(co, id, why))
		board_hook_count(t->board, h->service, id);
	else if (board_hook_error(t->board, h->service, id, loop_now_ms(h->cos->loop)))
		log_error("hook %s of service %s keeps failing: it is left out for now and %s",
			  hook_word(id), hooks_service(h), what_follows(h, id));
}

/* Later errors may only follow from the first. */
static void note_failure(struct hook_table *t, unsigned id, const char *text)
{
	if (t->failure->code != ERR_OK)
		return;
	t->failed_hook = id;
	(void)err_set(t->failure, ERR_SCRIPT, "%s", text);
}

static void describe_error(const struct hooks *h, struct co *co, const char *why, char *to,
			   size_t size)
{
	traceback_describe(h->vm->L, co->L, why, to, size);
}

void trip_report(struct hooks *h, struct co *co, unsigned id, const char *why)
{
	char text[ERROR_TEXT_MAX], more[LOG_LEFT_OUT_MAX];
	uint32_t skipped;
	if (unlikely(h->table->failure != NULL)) {
		describe_error(h, co, why, text, sizeof text);
		note_failure(h->table, id, text);
		return;
	}
	count_error(h, co, id, why);
	if (!log_may(&h->limits[id], loop_now_ms(h->cos->loop), &skipped))
		return;
	describe_error(h, co, why, text, sizeof text);
	log_error("hook %s of service %s: %s%s", hook_word(id), hooks_service(h), text,
		  log_left_out(more, skipped));
}

/* What this request got without that hook. */
static const char *what_became(const struct hooks *h, unsigned id, bool has_default_failed)
{
	if (trip_refuses(h, id))
		return "the request was refused";
	if (id == HOOK_RESPONSE)
		return "the answer stayed as it came";
	if (id == HOOK_ERROR)
		return "the error was told in neap's words";
	if (id > HOOK_FAILED)
		return "nothing came of it";
	if (id == HOOK_FAILED && h->mercy == MERCY_REFUSE)
		return "it was not tried again";
	if (id < HOOK_PICK)
		return "it was passed over";
	return has_default_failed ? "so did the default" : "the default decided";
}

void trip_tell_error(struct hooks *h, struct co *co, unsigned id, const char *why,
		     bool has_default_failed)
{
	neap_request *r = co->request;
	char text[TROUBLE_TEXT_MAX];
	if (likely(r->on_trouble == NULL))
		return;
	describe_error(h, co, why, text, sizeof text);
	r->on_trouble(r, id, text, what_became(h, id, has_default_failed));
}

void trip_tell_left_out(const struct hooks *h, neap_request *r, uint32_t left_out)
{
	if (likely(r->on_trouble == NULL))
		return;
	for (unsigned id = 0; left_out >> id != 0; id++) {
		if ((left_out >> id & 1) != 0)
			r->on_trouble(r, id, NULL, what_became(h, id, false));
	}
}
