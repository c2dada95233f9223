#include "proxy/h2_tunnel.h"

#include <errno.h>

static struct h2_tunnel *of_stream(const struct stream *s)
{
	return container_of(s, struct h2_tunnel, stream);
}

static ssize_t tunnel_read(struct stream *s, void *to, size_t n)
{
	struct h2_tunnel *t = of_stream(s);
	size_t got = h2_queue_read(t->in, t->pieces, to, n);
	if (got > 0 && !t->is_gone) {
		h2_session_took(&t->link->session, t->id, got);
		h2_link_stir(t->link);
	}
	if (got > 0)
		return (ssize_t)got;
	if (t->is_gone)
		return stream_fail(s, ECONNRESET);
	return t->has_ended ? IO_EOF : IO_AGAIN;
}

static void resume(struct h2_tunnel *t)
{
	h2_session_resume(&t->link->session, t->id);
	h2_link_gather(t->link);
}

static size_t keep(struct h2_tunnel *t, const struct iovec *piece)
{
	size_t room = buf_room(&t->kept), n = piece->iov_len < room ? piece->iov_len : room;
	memcpy(buf_tail(&t->kept), piece->iov_base, n);
	buf_added(&t->kept, n);
	return n;
}

static ssize_t tunnel_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	struct h2_tunnel *t = of_stream(s);
	ssize_t sum = 0;
	(void)flags;
	if (t->is_gone || !buf_hold(&t->kept))
		return stream_fail(s, t->is_gone ? EPIPE : ENOMEM);
	buf_compact(&t->kept);
	for (int i = 0; i < count; i++)
		sum += (ssize_t)keep(t, &iov[i]);
	if (sum == 0)
		return IO_AGAIN;
	resume(t);
	buf_drop_if_empty(&t->kept);
	return sum;
}

static void tunnel_shutdown_write(struct stream *s)
{
	struct h2_tunnel *t = of_stream(s);
	t->out.is_last = true;
	if (!t->is_gone)
		resume(t);
}

static void tunnel_close(struct stream *s)
{
	(void)s;
}

/* RFC 8441 §5: what a RST of TCP is, is a reset of the stream. */
static void tunnel_reset(struct stream *s)
{
	struct h2_tunnel *t = of_stream(s);
	if (!t->is_gone)
		h2_session_reset(&t->link->session, t->id, H2_CANCEL);
	h2_link_stir(t->link);
}

static void tunnel_watch(struct stream *s, uint8_t bits)
{
	struct h2_tunnel *t = of_stream(s);
	s->watched = bits;
	if (t->link != NULL && h2_tunnel_events(t) != 0)
		t->on_stir(t);
}

static bool tunnel_has_input(const struct stream *s)
{
	const struct h2_tunnel *t = of_stream(s);
	return t->in->bytes > 0 || t->has_ended || t->is_gone;
}

static bool tunnel_has_ended(const struct stream *s)
{
	const struct h2_tunnel *t = of_stream(s);
	return t->has_ended || t->is_gone;
}

static void tunnel_local(const struct stream *s, struct peer *p)
{
	stream_local(of_stream(s)->link->stream, p);
}

static void tunnel_peer(const struct stream *s, struct peer *p)
{
	stream_peer(of_stream(s)->link->stream, p);
}

/* Its connection has others who are not silent. */
static void tunnel_probe_silence(struct stream *s, uint32_t silent_ms)
{
	(void)s;
	(void)silent_ms;
}

static const struct stream_ops tunnel_ops = {
	.read = tunnel_read,
	.writev = tunnel_writev,
	.shutdown_write = tunnel_shutdown_write,
	.close = tunnel_close,
	.reset = tunnel_reset,
	.watch = tunnel_watch,
	.has_input = tunnel_has_input,
	.has_ended = tunnel_has_ended,
	.failure = stream_system_failure,
	.local = tunnel_local,
	.peer = tunnel_peer,
	.probe_silence = tunnel_probe_silence,
};

int h2_tunnel_events(const struct h2_tunnel *t)
{
	int events = 0;
	if (tunnel_has_input(&t->stream))
		events |= STREAM_READABLE;
	if (t->is_gone || buf_len(&t->kept) == 0)
		events |= STREAM_WRITABLE;
	return events & t->stream.watched;
}

void h2_tunnel_open(struct h2_tunnel *t, const struct h2_tunnel_origin *from)
{
	*t = (struct h2_tunnel){
		.link = from->link,
		.id = from->id,
		.in = from->in,
		.pieces = from->pieces,
		.on_stir = from->on_stir,
	};
	buf_init(&t->kept, from->outs);
	t->out.buf = &t->kept;
	stream_set_row(&t->stream, from->link->stream->loop, &tunnel_ops, NULL);
}

void h2_tunnel_close(struct h2_tunnel *t)
{
	if (t->link == NULL)
		return;
	stream_close(&t->stream);
	buf_drop(&t->kept);
	t->link = NULL;
}
