#include "script/link_call.h"

#include <stdlib.h>

const char link_refused[] = "the server did not take the request";

static int news(const struct link_call *c)
{
	int events = STREAM_WRITABLE;
	if (c->stream == NULL)
		return 0;
	if (link_call_has_input(c))
		events |= STREAM_READABLE;
	return events & c->stream->watched;
}

void link_call_tell(struct link_call *c)
{
	if (news(c) != 0)
		loop_next(c->stream->loop, &c->next);
	else
		loop_defer_cancel(&c->next);
}

/* At the beginning of a turn. What the owner leaves is told again in the next. */
static void run_next(struct deferred *d)
{
	struct link_call *c = container_of(d, struct link_call, next);
	if (news(c) == 0)
		return;
	stream_note(c->stream, news(c));
	link_call_tell(c);
}

struct link_call *link_call_create(struct loop *loop)
{
	struct link_call *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->begun_ms = loop_now_ms(loop);
	list_init(&c->node);
	deferred_init(&c->next, run_next);
	return c;
}

void link_call_destroy(struct link_call *c)
{
	loop_defer_cancel(&c->next);
	list_remove(&c->node);
	free(c->body);
	free(c->bytes);
	free(c);
}

void link_call_fail(struct link_call *c, const char *why)
{
	if (c->failure == NULL && !c->has_ended)
		c->failure = why;
	link_call_tell(c);
}

/* ---- the answer ---- */

static bool make_room(struct link_call *c, size_t n)
{
	if (c->room - c->n >= n)
		return true;
	if (c->at > 0) {
		c->n -= c->at;
		memmove(c->bytes, c->bytes + c->at, c->n);
		c->at = 0;
	}
	if (c->room - c->n >= n)
		return true;
	size_t room = c->n + n > 2 * c->room ? c->n + n : 2 * c->room;
	char *bytes = realloc(c->bytes, room);
	if (bytes == NULL)
		return false;
	c->bytes = bytes;
	c->room = room;
	return true;
}

static void add(struct link_call *c, struct str s)
{
	if (c->failure != NULL || s.n == 0)
		return;
	if (!make_room(c, s.n)) {
		link_call_fail(c, "out of memory");
		return;
	}
	memcpy(c->bytes + c->n, s.p, s.n);
	c->n += s.n;
}

void link_call_head(struct link_call *c, struct str s)
{
	if (c->head_n + s.n > LINK_HEAD_MAX) {
		link_call_fail(c, "the answer's header is too large");
		return;
	}
	c->head_n += s.n;
	c->uncounted += s.n;
	add(c, s);
	link_call_tell(c);
}

void link_call_begin_body(struct link_call *c, const struct http_head *head)
{
	c->has_head = true;
	c->has_length = head->framing == FRAMING_LENGTH;
	c->has_no_body = head->framing == FRAMING_NONE;
	c->left = head->length;
}

void link_call_data(struct link_call *c, const char *p, size_t n)
{
	if (!c->has_head)
		link_call_fail(c, "a body without a head");
	else if (n > 0 && c->has_no_body)
		link_call_fail(c, "a body where none may be");
	else if (c->has_length && n > c->left)
		link_call_fail(c, "the body is longer than its content-length");
	c->left -= c->has_length && n <= c->left ? n : 0;
	add(c, (struct str){ p, n });
	link_call_tell(c);
}

void link_call_end(struct link_call *c)
{
	if (!c->has_head)
		link_call_fail(c, "the server ended the stream without an answer");
	else if (c->has_length && c->left > 0)
		link_call_fail(c, "the body is shorter than its content-length");
	c->has_ended = c->failure == NULL;
	link_call_tell(c);
}

size_t link_call_read(struct link_call *c, char *to, size_t max, size_t *counted)
{
	size_t n = c->n - c->at < max ? c->n - c->at : max;
	size_t of_head = n < c->uncounted ? n : c->uncounted;
	if (n > 0)
		memcpy(to, c->bytes + c->at, n);
	c->at += n;
	c->uncounted -= of_head;
	*counted = n - of_head;
	if (c->at == c->n)
		c->at = c->n = 0;
	link_call_tell(c);
	return n;
}

/* ---- the request's body ---- */

size_t link_call_ask(const struct link_call *c, size_t max, enum h2_more *more)
{
	size_t left = c->body_n - c->body_at;
	*more = left <= max ? H2_LAST : H2_MORE;
	return left <= max ? left : max;
}

void link_call_take(struct link_call *c, char *to, size_t n)
{
	if (n > 0)
		memcpy(to, c->body + c->body_at, n);
	c->body_at += n;
}
