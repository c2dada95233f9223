#include "admin/admin.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/session.h"

enum {
	IDLE_MS = 60000,
	REQUEST_MS = 10000,
	PROGRESS_MS = 15000,
	LINGER_MS = 1000,
	RELOAD_MS = 60000,
	GUESS_MS = 100, /* between two tokens that are looked at, after too many wrong ones */
};

/* The session that loses least, the oldest one of several, makes room for a new one. */
static bool make_room(struct admin *a)
{
	struct session *least = NULL;

	if (a->sessions_n < a->sessions_max)
		return true;
	for (struct list *node = a->sessions.next; node != &a->sessions; node = node->next) {
		struct session *s = container_of(node, struct session, node);
		if (least == NULL || session_worth(s) < session_worth(least))
			least = s;
	}
	if (least == NULL || session_worth(least) == WORTH_NEEDED)
		return false;
	session_destroy(least);
	return true;
}

/*
 * The session whose answers took the least time lately, so that a client that asks little does not
 * wait for one that asks much.
 */
static struct session *next_in_turn(const struct admin *a)
{
	struct session *least = NULL;

	for (struct list *node = a->sessions.next; node != &a->sessions; node = node->next) {
		struct session *s = container_of(node, struct session, node);
		if (s->state == SESSION_TURN && (least == NULL || s->spent_ns < least->spent_ns))
			least = s;
	}
	return least;
}

/* One answer in one turn of the loop. */
static void on_turn(struct deferred *d)
{
	struct admin *a = container_of(d, struct admin, turn);
	struct session *s = next_in_turn(a);

	if (s == NULL)
		return; /* the client has left */
	session_go_on(s);
	if (next_in_turn(a) != NULL)
		loop_yield(a->loop, &a->turn);
}

static void on_guess_due(struct timer *t)
{
	struct admin *a = container_of(t, struct admin, guess);
	struct list *first = list_first(&a->guesses);

	if (first == NULL)
		return;
	list_remove(first);
	session_go_on(container_of(first, struct session, guess));
	timer_start(t, a->pace); /* even if no other waits: the next one to come waits as long */
}

static void on_accept(struct listener *l, int fd, const struct peer *peer)
{
	struct admin *a = l->owner;
	uint32_t skipped;

	if (make_room(a)) {
		session_create(a, fd, peer);
		return;
	}
	(void)close(fd); /* nothing was read, nothing was said */
	if (log_may(&a->crowded, loop_now_ms(a->loop), &skipped))
		log_warn("admin: %u connections are busy, another one was closed (%u more)",
			 a->sessions_n, skipped);
}

/* The other files are for checks: clients that only hold connections must not stop these. */
static unsigned sessions_that_fit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / 4 >= ADMIN_SESSIONS_MAX)
		return ADMIN_SESSIONS_MAX;
	return files.rlim_cur >= 8 ? (unsigned)files.rlim_cur / 4 : 2;
}

enum err admin_create(struct admin **to, const struct admin_options *o, struct error *e)
{
	struct admin *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	a->loop = o->loop;
	a->vm = o->vm;
	a->ask_reload = o->ask_reload;
	a->ctx = o->ctx;
	a->bounds = (struct h1_reader_bounds){ .head = { .header_bytes = ADMIN_HEAD_MAX,
							 .uri_bytes = 8192,
							 .headers = ADMIN_FIELDS_MAX },
					       .body_max = ADMIN_BODY_MAX };
	list_init(&a->sessions);
	a->sessions_max = sessions_that_fit();
	a->idle = timers_lane(o->timers, IDLE_MS);
	a->request = timers_lane(o->timers, REQUEST_MS);
	a->progress = timers_lane(o->timers, PROGRESS_MS);
	a->linger = timers_lane(o->timers, LINGER_MS);
	a->reload = timers_lane(o->timers, RELOAD_MS);
	a->pace = timers_lane(o->timers, GUESS_MS);
	list_init(&a->guesses);
	deferred_init(&a->turn, on_turn);
	timer_init(&a->guess, on_guess_due);
	if (a->reload == NULL || a->pace == NULL || a->idle == NULL || a->request == NULL ||
	    a->progress == NULL || a->linger == NULL) {
		free(a);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	listener_init(&a->listener, o->loop, o->listen_fd);
	a->listener.owner = a;
	a->listener.on_accept = on_accept;
	listener_start(&a->listener);
	*to = a;
	return ERR_OK;
}

void admin_set_draining(struct admin *a)
{
	a->is_draining = true;
}

static void each(struct admin *a, void (*call)(struct session *s))
{
	for (struct list *node = a->sessions.next, *next; node != &a->sessions; node = next) {
		next = node->next;
		call(container_of(node, struct session, node));
	}
}

void admin_tell_reload(struct admin *a, bool is_ok, const char *text)
{
	if (is_ok)
		listener_close(&a->listener); /* a client that hears of it finds the next agent */
	for (struct list *node = a->sessions.next, *next; node != &a->sessions; node = next) {
		next = node->next;
		session_tell_reload(container_of(node, struct session, node), is_ok, text);
	}
}

bool admin_is_busy(const struct admin *a)
{
	return a->sessions_n > 0;
}

void admin_retire(struct admin *a)
{
	listener_close(&a->listener);
	each(a, session_retire);
}

void admin_destroy(struct admin *a)
{
	struct list *node;

	listener_close(&a->listener);
	timer_stop(&a->guess);
	loop_defer_cancel(&a->turn);
	while ((node = list_first(&a->sessions)) != NULL)
		session_destroy(container_of(node, struct session, node));
	free(a);
}
