#include "script/kept.h"

#include <stdlib.h>

#include "script/link_stream.h"

enum { KEPT_BUFFER_MAX = 64 * 1024 };

static void end_kept(struct conn *c)
{
	c->io->kept_n--;
	conn_destroy(c);
}

static void on_kept_ready(struct stream *s, int events)
{
	(void)events;
	if (stream_has_input(s)) /* TLS may say something for itself */
		end_kept(container_of(s, struct conn, stream));
}

static void kept_due_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	(void)ev, (void)events;
	end_kept(container_of(t, struct conn, idle));
}

/* All of the last answer was taken; of one over HTTP it is known whether that may be. */
static bool may_be_kept(const struct conn *c)
{
	return c->state == CONN_OPEN && !link_stream_is(&c->stream) && c->wish == CONN_NOTHING &&
	       c->failure == NULL && c->at + c->taken == c->n &&
	       (c->answer == NULL || reading_is_in_step(c->answer));
}

/* The room of a large answer is not for the whole time. */
static void empty_buffer(struct conn *c)
{
	c->at = c->n = c->taken = 0;
	if (c->cap <= KEPT_BUFFER_MAX)
		return;
	free(c->bytes);
	c->bytes = NULL;
	c->cap = 0;
}

bool kept_put(struct conn *c, struct str key)
{
	struct io *io = c->io;
	if (!may_be_kept(c) || !str_copy(c->key, sizeof c->key, key))
		return false;
	if (io->kept_n == KEPT_MAX)
		end_kept(container_of(list_first(&io->kept), struct conn, node));
	list_remove(&c->node);
	list_append(&io->kept, &c->node);
	io->kept_n++;
	c->owner = NULL;
	empty_buffer(c);
	c->stream.on_ready = on_kept_ready;
	stream_watch(&c->stream, STREAM_READABLE);
	ev_timer_init(&c->idle, kept_due_cb, KEPT_SECONDS, 0);
	ev_timer_start(io->loop->ev, &c->idle);
	return true;
}

static struct conn *find_newest(struct io *io, struct str key)
{
	for (struct list *l = io->kept.prev; l != &io->kept; l = l->prev) {
		struct conn *c = container_of(l, struct conn, node);
		if (str_eq(key, str_of(c->key)))
			return c;
	}
	return NULL;
}

static bool is_old(struct conn *c)
{
	double left = ev_timer_remaining(c->io->loop->ev, &c->idle);
	return left < KEPT_SECONDS - KEPT_SURE_SECONDS;
}

struct conn *kept_take(struct io *io, struct str key, bool is_sure, struct list *to)
{
	struct conn *c;
	while ((c = find_newest(io, key)) != NULL &&
	       (stream_has_input(&c->stream) || (is_sure && is_old(c))))
		end_kept(c);
	if (c == NULL)
		return NULL;
	io->kept_n--;
	list_remove(&c->node);
	list_append(to, &c->node);
	conn_lend(c);
	return c;
}

void kept_close_all(struct io *io)
{
	struct list *node;
	while ((node = list_first(&io->kept)) != NULL)
		end_kept(container_of(node, struct conn, node));
}
