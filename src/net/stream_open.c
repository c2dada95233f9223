#include "net/stream_open.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/plain_stream.h"
#include "net/tls_context.h"
#include "net/tls_stream.h"

enum stream_opened stream_accept(struct stream *s, struct loop *loop, int fd,
				 struct tls_context *tls, const struct stream_owner *owner)
{
	if (tls != NULL) {
		struct tls_start start = { loop, fd, tls_context_open(tls), { NULL, 0 } };
		return tls_stream_open(s, &start, owner);
	}
	plain_stream_open(s, loop, fd, owner->on_ready);
	return STREAM_OPEN;
}

enum stream_opened stream_secure(struct stream *s, struct tls_context *tls, struct str first,
				 const struct stream_owner *owner)
{
	struct tls_start start = { s->loop, s->fd, tls_context_open(tls), first };

	stream_leave(s);
	return tls_stream_open(s, &start, owner);
}

/* A new connection takes so few bytes at once. */
static bool say_first(const struct stream_dialling *d, int fd)
{
	return d->first_n == 0 || send(fd, d->first, d->first_n, MSG_NOSIGNAL) == d->first_n;
}

static SSL *take_ssl(struct stream_dialling *d)
{
	SSL *ssl = d->ssl;

	d->ssl = NULL;
	return ssl;
}

static enum stream_opened fail_dialling(struct stream_dialling *d, int sys)
{
	SSL_free(take_ssl(d));
	(void)stream_fail(d->stream, sys); /* its result is ours */
	return STREAM_FAILED;
}

static enum stream_opened shake(struct stream_dialling *d, int fd)
{
	struct tls_start start = { d->stream->loop, fd, d->ssl, { NULL, 0 } };

	if (!say_first(d, fd)) {
		int sys = errno;
		(void)close(fd); /* it was of no use */
		return fail_dialling(d, sys);
	}
	d->phase = STREAM_DIAL_SHAKES;
	d->ssl = NULL;
	return tls_stream_open(d->stream, &start, d->owner);
}

/* The dial is over. */
static enum stream_opened end_dialling(struct stream_dialling *d, int fd)
{
	if (fd < 0)
		return fail_dialling(d, d->dial.sys);
	if (d->ssl != NULL)
		return shake(d, fd);
	plain_stream_open(d->stream, d->stream->loop, fd, d->owner->on_ready);
	return STREAM_OPEN;
}

static void on_dialled(struct dial *dial, int fd)
{
	struct stream_dialling *d = container_of(dial, struct stream_dialling, dial);
	struct stream *s = d->stream;
	const struct stream_owner *owner = d->owner;
	enum stream_opened opened = end_dialling(d, fd);

	if (opened != STREAM_OPENING)
		owner->on_open(s, opened == STREAM_OPEN); /* may free d and s */
}

static void note_tls(struct stream_dialling *d, const struct stream_tls *tls)
{
	size_t n = tls->first.n < STREAM_FIRST_MAX ? tls->first.n : STREAM_FIRST_MAX;

	d->ssl = tls->ssl;
	if (n > 0)
		memcpy(d->first, tls->first.p, n);
	d->first_n = (uint16_t)n;
}

enum stream_opened stream_dial(struct stream *s, struct stream_dialling *d,
			       const struct dial_goal *goal, const struct stream_tls *tls,
			       const struct stream_owner *owner)
{
	int fd;

	d->stream = s;
	d->owner = owner;
	d->phase = STREAM_DIAL_CONNECTS;
	d->ssl = NULL;
	if (tls != NULL)
		note_tls(d, tls);
	return dial_start(&d->dial, s->loop, goal, on_dialled, &fd) ? end_dialling(d, fd)
								    : STREAM_OPENING;
}

enum stream_opened stream_dial_again(struct stream_dialling *d)
{
	int fd;

	if (d->phase == STREAM_DIAL_SHAKES || !dial_again(&d->dial, &fd))
		return STREAM_OPENING;
	return end_dialling(d, fd);
}

int stream_dial_lacks(const struct stream_dialling *d)
{
	return d->phase == STREAM_DIAL_CONNECTS ? dial_lacks(&d->dial) : 0;
}

const struct addr *stream_dial_winner(const struct stream_dialling *d)
{
	return dial_winner(&d->dial);
}

void stream_dial_cancel(struct stream_dialling *d)
{
	SSL_free(take_ssl(d));
	dial_cancel(&d->dial);
}
