#include "proxy/h2_link.h"

void h2_link_init(struct h2_link *l, struct stream *s, struct slab *outs,
		  void (*turn)(struct deferred *d))
{
	l->stream = s;
	l->is_broken = false;
	buf_init(&l->out, outs);
	deferred_init(&l->turn, turn);
	list_init(&l->noted);
}

void h2_link_fini(struct h2_link *l)
{
	loop_defer_cancel(&l->turn);
	h2_session_close(&l->session);
	buf_drop(&l->out);
}

static bool may_write(const struct h2_link *l)
{
	return !l->is_broken && !h2_link_is_blocked(l) && buf_len(&l->out) > 0;
}

/* One write. What the client does not take waits until there is room. */
static void write_out(struct h2_link *l)
{
	struct iovec piece = { buf_head(&l->out), buf_len(&l->out) };
	ssize_t n = stream_writev(l->stream, &piece, 1, 0);
	if (n == IO_ERROR) {
		l->is_broken = true;
		buf_drop(&l->out);
		return;
	}
	if (n > 0)
		buf_consume(&l->out, (size_t)n);
	stream_watch_write(l->stream, buf_len(&l->out) > 0);
}

/* Room for the next frame: what was gathered is written when there is none. */
static bool make_room(struct h2_link *l)
{
	if (!buf_hold(&l->out))
		return false;
	if (buf_room(&l->out) >= H2_GATHER_MIN)
		return true;
	if (may_write(l))
		write_out(l);
	if (l->is_broken)
		return false;
	buf_compact(&l->out);
	return buf_room(&l->out) >= H2_GATHER_MIN;
}

/* false: there is no room for more. */
static bool gather(struct h2_link *l)
{
	while (!l->is_broken && h2_session_has_output(&l->session)) {
		if (!make_room(l))
			return false;
		size_t n = h2_session_gather(&l->session, buf_tail(&l->out), buf_room(&l->out));
		if (n == 0)
			break;
		buf_added(&l->out, n);
	}
	return true;
}

void h2_link_gather(struct h2_link *l)
{
	(void)gather(l);
	h2_link_stir(l);
}

void h2_link_write(struct h2_link *l)
{
	while (!gather(l) && may_write(l))
		write_out(l);
	if (may_write(l))
		write_out(l);
	buf_drop_if_empty(&l->out);
}

void h2_link_go_on(struct h2_link *l)
{
	if (h2_link_is_blocked(l) && !l->is_broken)
		write_out(l);
}
