#include "script/link_stream.h"

#include <errno.h>
#include <stdlib.h>

#include "http/h1_line.h"

static struct link_call *call_of(const struct stream *s)
{
	return s->watcher.data;
}

static ssize_t link_read(struct stream *s, void *to, size_t max)
{
	struct link_call *c = call_of(s);
	size_t counted, n = link_call_read(c, to, max, &counted);
	if (counted > 0 && c->id != 0) {
		h2_session_took(&c->link->session, c->id, counted);
		link_send_later(c->link);
	}
	if (n > 0)
		return (ssize_t)n;
	if (c->failure != NULL)
		return stream_fail(s, EPROTO);
	return c->has_ended ? IO_EOF : IO_AGAIN;
}

static uint8_t method_of(const char *head, size_t n)
{
	const char *blank = memchr(head, ' ', n);
	return blank == NULL
		       ? (uint8_t)METHOD_OTHER
		       : (uint8_t)h1_line_method_id((struct str){ head, (size_t)(blank - head) });
}

/* The head becomes the fields of a stream; the rest is kept until windows let it go. */
static bool begin(struct link_call *c, const char *p, size_t head_n, size_t n)
{
	struct link *l = c->link;
	char *head = malloc(n);
	if (head == NULL)
		return false;
	memcpy(head, p, n);
	c->method_id = method_of(head, n);
	struct h2_lines lines = h2_session_lines(&l->session);
	bool is_secure = stream_is_secure(&l->conn->stream);
	if (h2_lines_request(&lines, head, head_n, is_secure ? STR("https") : STR("http"), STR("")))
		c->id = h2_session_request(&l->session, &lines, n > head_n + 2, c);
	c->body = head; /* with what was the head, which is not much */
	c->body_at = head_n + 2;
	c->body_n = n;
	return c->id != 0;
}

static ssize_t link_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	struct link_call *c = call_of(s);
	const char *p = iov[0].iov_base;
	size_t n = iov[0].iov_len;
	const char *end = count == 1 ? memmem(p, n, "\r\n\r\n", 4) : NULL;
	(void)flags;
	if (c->failure == NULL && (c->has_begun || end == NULL))
		link_call_fail(c, "one request is sent in one piece over HTTP/2");
	else if (c->failure == NULL && !begin(c, p, (size_t)(end - p) + 2, n))
		link_call_fail(c, link_refused);
	c->has_begun = true;
	if (c->failure != NULL)
		return stream_fail(s, EPROTO);
	link_send_later(c->link);
	return (ssize_t)n;
}

static void link_shutdown_write(struct stream *s)
{
	(void)s; /* its request ends by itself */
}

static void link_close(struct stream *s)
{
	struct link_call *c = call_of(s);
	c->stream = NULL;
	if (c->link != NULL)
		link_part(c->link, c);
	else
		link_call_destroy(c);
}

static void link_watch(struct stream *s, uint8_t bits)
{
	s->watched = bits;
	link_call_tell(call_of(s));
}

static bool link_has_input(const struct stream *s)
{
	return link_call_has_input(call_of(s));
}

static bool link_has_ended(const struct stream *s)
{
	return call_of(s)->has_ended || call_of(s)->failure != NULL;
}

static struct stream_failure link_failure(const struct stream *s)
{
	const char *why = call_of(s)->failure;
	return (struct stream_failure){ STREAM_FAILURE_PROTOCOL, EPROTO,
					why != NULL ? why : "closed" };
}

static void link_address(const struct stream *s, struct peer *p)
{
	(void)s; /* that of its connection is not for others */
	*p = (struct peer){ .family = AF_UNSPEC };
}

static void link_probe_silence(struct stream *s, uint32_t silent_ms)
{
	(void)s, (void)silent_ms;
}

static const struct stream_ops link_ops = {
	.read = link_read,
	.writev = link_writev,
	.shutdown_write = link_shutdown_write,
	.close = link_close,
	.reset = link_close,
	.watch = link_watch,
	.has_input = link_has_input,
	.has_ended = link_has_ended,
	.failure = link_failure,
	.local = link_address,
	.peer = link_address,
	.probe_silence = link_probe_silence,
};

bool link_stream_is(const struct stream *s)
{
	return s->ops == &link_ops;
}

bool link_stream_open(struct link *l, struct stream *s)
{
	struct link_call *c = link_call_create(l->io->loop);
	if (c == NULL)
		return false;
	c->link = l;
	c->stream = s;
	list_append(&l->calls, &c->node);
	l->calls_n++;
	stream_set_row(s, l->io->loop, &link_ops, NULL);
	s->watcher.data = c;
	return true;
}
