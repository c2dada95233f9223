#include "proxy/h2_sender.h"

size_t h2_sender_waiting(const struct client_body *b)
{
	return (b->buf != NULL ? buf_len(b->buf) : 0) + b->text_n;
}

bool h2_sender_is_taken(const struct h2_client *c)
{
	const struct client_body *b = c->sending;
	return b == NULL ||
	       (h2_sender_waiting(b) == 0 && (!b->is_last || c->answer == H2_ANSWERED));
}

/* Lines of trailers are in a buffer of the backend's side, and only read here. */
static bool add_trailers(struct h2_client *c, struct str lines)
{
	struct h2_lines l = h2_session_lines(h2_stream_session(c));
	return h2_lines_trailers(&l, (char *)(uintptr_t)lines.p, lines.n) && l.n > 0 &&
	       h2_session_trailers(h2_stream_session(c), c->id, &l);
}

size_t h2_sender_on_ask(struct h2_session *s, void *stream, size_t max, enum h2_more *more)
{
	struct h2_client *c = stream;
	struct client_body *b = c->sending;
	(void)s;
	*more = H2_MORE;
	if (b == NULL)
		return 0;
	size_t n = h2_sender_waiting(b);
	if (n > max)
		return max;
	if (b->is_last) {
		*more = b->trailers.n > 0 && add_trailers(c, b->trailers) ? H2_THEN_TRAILERS
									  : H2_LAST;
		c->answer = H2_ANSWERED;
		if (n == 0 && c->is_blocked)
			h2_stream_note(c, H2_NOTE_WRITABLE);
		h2_stream_note_tunnel(c);
	}
	return n;
}

static void take_from(struct client_body *b, char *to, size_t n)
{
	size_t in_buf = b->buf != NULL ? buf_len(b->buf) : 0, part = n < in_buf ? n : in_buf;
	b->sent += n;
	if (part > 0) {
		memcpy(to, buf_head(b->buf), part);
		buf_consume(b->buf, part);
	}
	if (n > part) {
		memcpy(to + part, b->text, n - part);
		b->text += n - part;
		b->text_n -= (uint32_t)(n - part);
	}
}

void h2_sender_on_take(struct h2_session *s, void *stream, char *to, size_t n)
{
	struct h2_client *c = stream;
	(void)s;
	take_from(c->sending, to, n);
	if (unlikely(h2_tunnel_is_open(&c->tunnel))) {
		h2_stream_note_tunnel(c);
		return;
	}
	if (c->is_blocked && h2_sender_is_taken(c))
		h2_stream_note(c, H2_NOTE_WRITABLE);
}

/* Gathers; what came of it. */
static enum client_sent settle(struct h2_client *c)
{
	h2_link_gather(c->link);
	if (!c->is_known && c->answer != H2_ANSWERED)
		return CLIENT_GONE;
	c->is_blocked = !h2_sender_is_taken(c);
	return c->is_blocked ? CLIENT_BLOCKED : CLIENT_TOOK_ALL;
}

/* Heads are in the plane's scratch memory: their names become lower case there. */
bool h2_sender_read_head(struct h2_client *c, struct str head, struct h2_lines *l)
{
	uint16_t status;
	*l = h2_session_lines(h2_stream_session(c));
	return h2_lines_answer(l, (char *)(uintptr_t)head.p, head.n, &status);
}

/* A malformed request has no answer but its stream's end (RFC 9113 §8.1.1). */
static enum client_sent answer_fault(struct h2_client *c)
{
	c->answer = H2_ANSWERED;
	c->sending = NULL;
	return CLIENT_TOOK_ALL;
}

enum client_sent h2_sender_answer(struct client *client, struct str head, struct client_body *b)
{
	struct h2_client *c = h2_stream_of(client);
	struct h2_lines l;
	bool has_body = !b->is_last || h2_sender_waiting(b) > 0 || b->trailers.n > 0;
	if (!c->is_known)
		return CLIENT_GONE;
	if (unlikely(c->fault != NULL))
		return answer_fault(c);
	if (!h2_sender_read_head(c, head, &l) ||
	    !h2_session_answer(h2_stream_session(c), c->id, &l, has_body))
		return CLIENT_GONE;
	c->answer = has_body ? H2_ANSWERS : H2_ANSWERED;
	c->sending = has_body ? b : NULL;
	return settle(c);
}

enum client_sent h2_sender_interim(struct client *client, struct str head)
{
	struct h2_client *c = h2_stream_of(client);
	struct h2_lines l;
	if (!c->is_known)
		return CLIENT_GONE;
	if (h2_sender_read_head(c, head, &l))
		(void)h2_session_interim(h2_stream_session(c), c->id, &l);
	h2_link_gather(c->link);
	return CLIENT_TOOK_ALL;
}

enum client_sent h2_sender_body(struct client *client, struct client_body *b)
{
	struct h2_client *c = h2_stream_of(client);
	if (c->answer == H2_UNANSWERED) /* 1xx heads were all */
		return c->is_known ? CLIENT_TOOK_ALL : CLIENT_GONE;
	if (c->sending != &c->own || h2_sender_waiting(&c->own) == 0)
		c->sending = b;
	if (c->is_known && !h2_sender_is_taken(c))
		h2_session_resume(h2_stream_session(c), c->id);
	return settle(c);
}

enum client_sent h2_sender_reply(struct client *client, struct str head, struct str text)
{
	struct h2_client *c = h2_stream_of(client);
	c->own =
		(struct client_body){ .text = text.p, .text_n = (uint32_t)text.n, .is_last = true };
	enum client_sent sent = h2_sender_answer(client, head, &c->own);
	if (sent != CLIENT_BLOCKED)
		return sent;
	if (!buf_append(&c->kept, c->own.text, c->own.text_n))
		return CLIENT_GONE;
	c->own.buf = &c->kept;
	c->own.text_n = 0;
	return sent;
}

size_t h2_sender_room(const struct client *client)
{
	const struct h2_client *c = h2_stream_of(client);
	const struct h2_session *s = h2_stream_session(c);
	if (h2_link_is_blocked(c->link))
		return 0;
	return likely(c->answer == H2_UNANSWERED) ? h2_session_may_begin(s)
						  : h2_session_may_send(s, c->id);
}

bool h2_sender_can_drain(const struct client *client)
{
	(void)client;
	return false;
}

bool h2_sender_is_blocked(const struct client *client)
{
	return h2_stream_of(client)->is_blocked;
}
