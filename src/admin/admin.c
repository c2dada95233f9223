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
	RELOAD_MS = 60000
};

/* Who came first and asks nothing makes room for who comes now. */
static bool make_room(struct admin *a)
{
	if (a->sessions_n < a->sessions_max)
		return true;
	for (struct list *node = a->sessions.next; node != &a->sessions; node = node->next) {
		struct session *s = container_of(node, struct session, node);
		if (session_is_idle(s)) {
			session_destroy(s);
			return true;
		}
	}
	return false;
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

/* The others are for checks: who only holds connections must not keep them from their work. */
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
	a->limits = (struct http_limits){ .header_bytes = ADMIN_HEAD_MAX,
					  .uri_bytes = 8192,
					  .headers = ADMIN_FIELDS_MAX };
	list_init(&a->sessions);
	a->sessions_max = sessions_that_fit();
	a->idle = timers_lane(o->timers, IDLE_MS);
	a->request = timers_lane(o->timers, REQUEST_MS);
	a->progress = timers_lane(o->timers, PROGRESS_MS);
	a->linger = timers_lane(o->timers, LINGER_MS);
	a->reload = timers_lane(o->timers, RELOAD_MS);
	if (a->reload == NULL || a->idle == NULL || a->request == NULL || a->progress == NULL ||
	    a->linger == NULL) {
		free(a);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	listener_init(&a->listener, o->loop, o->fd);
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

static void stop_listening(struct admin *a)
{
	listener_stop(&a->listener);
	if (a->listener.fd >= 0)
		(void)close(a->listener.fd); /* the master has it still */
	a->listener.fd = -1;
}

void admin_tell_reload(struct admin *a, bool is_ok, const char *text)
{
	if (is_ok)
		stop_listening(a); /* who is told so finds the next agent */
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
	stop_listening(a);
	each(a, session_retire);
}

void admin_destroy(struct admin *a)
{
	struct list *node;

	stop_listening(a);
	while ((node = list_first(&a->sessions)) != NULL)
		session_destroy(container_of(node, struct session, node));
	free(a);
}
