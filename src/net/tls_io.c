#include "net/tls_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	RECORD_OVERHEAD = 512, /* of a record, generously */
	READ_BYTES_MIN = 4096, /* so much is read at once in any case */
};

/* ---- from the socket to OpenSSL ---- */

static void drop_in(struct tls_io *io)
{
	free(io->in_kept);
	io->in_kept = NULL;
	io->in = NULL;
	io->in_n = 0;
}

static void fail_read(struct tls_io *io, int sys)
{
	io->state = TLS_IO_FAILED;
	io->sys = sys;
}

static void note_received(struct tls_io *io, ssize_t got)
{
	if (got > 0) {
		io->in = io->shared->in;
		io->in_n = (uint32_t)got;
	} else if (got == 0) {
		io->state = TLS_IO_ENDED;
	} else if (errno != EAGAIN && errno != EWOULDBLOCK) {
		fail_read(io, errno);
	}
}

/* Once in a call. */
static void receive(struct tls_io *io)
{
	size_t want = io->want;
	ssize_t got;

	io->want = 0;
	drop_in(io);
	if (want == 0 || io->state != TLS_IO_OPEN)
		return;
	do {
		got = recv(io->fd, io->shared->in, want, 0);
	} while (got < 0 && errno == EINTR);
	note_received(io, got);
}

bool tls_io_gather(struct tls_io *io)
{
	char *in = io->shared->in;
	uint32_t had = io->in_n;
	size_t want = io->want;
	ssize_t got;

	io->want = 0;
	if (want == 0 || io->state != TLS_IO_OPEN)
		return false;
	if (had > 0)
		memmove(in, io->in, had);
	drop_in(io);
	if (want > TLS_SHARED_BYTES - had)
		want = TLS_SHARED_BYTES - had;
	do {
		got = recv(io->fd, in + had, want, 0);
	} while (got < 0 && errno == EINTR);
	note_received(io, got);
	io->in = in;
	io->in_n = had + (got > 0 ? (uint32_t)got : 0);
	return got > 0;
}

static int bio_read(BIO *b, char *to, int max)
{
	struct tls_io *io = BIO_get_data(b);
	uint32_t n = (uint32_t)max;

	BIO_clear_retry_flags(b);
	if (io->in_n == 0)
		receive(io);
	if (io->in_n == 0) {
		if (io->state == TLS_IO_OPEN)
			BIO_set_retry_read(b);
		return io->state == TLS_IO_ENDED ? 0 : -1;
	}
	if (n > io->in_n)
		n = io->in_n;
	memcpy(to, io->in, n);
	io->in += n;
	io->in_n -= n;
	return (int)n;
}

void tls_io_begin_read(struct tls_io *io, size_t plain_bytes)
{
	size_t records = plain_bytes / TLS_RECORD_BYTES + 1;
	size_t want = plain_bytes + records * RECORD_OVERHEAD;

	if (want < READ_BYTES_MIN)
		want = READ_BYTES_MIN;
	io->want = want < TLS_SHARED_BYTES ? want : TLS_SHARED_BYTES;
}

bool tls_io_receive(struct tls_io *io, size_t plain_bytes)
{
	if (io->in_n == 0) {
		tls_io_begin_read(io, plain_bytes);
		receive(io);
	}
	return io->in_n > 0 || io->state != TLS_IO_OPEN;
}

static bool keep_in(struct tls_io *io)
{
	char *p = malloc(io->in_n);

	if (p == NULL)
		return false;
	memcpy(p, io->in, io->in_n);
	io->in = io->in_kept = p;
	return true;
}

bool tls_io_end_read(struct tls_io *io)
{
	io->want = 0;
	if (io->in_n > 0)
		return io->in_kept != NULL || keep_in(io);
	if (io->in_kept != NULL)
		drop_in(io);
	return true;
}

/* ---- from OpenSSL to the socket ---- */

static void fail_write(struct tls_io *io, int sys)
{
	io->out_state = TLS_IO_FAILED;
	io->sys = sys;
}

static void drop_out(struct tls_io *io)
{
	free(io->out_kept);
	io->out_kept = NULL;
	io->kept_at = io->kept_n = io->out_n = 0;
}

/* How many the socket took; what it does not take for ever is dropped. */
static size_t send_some(struct tls_io *io, const char *p, size_t n, bool more)
{
	ssize_t sent;

	do {
		sent = send(io->fd, p, n, more ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
		fail_write(io, errno);
		drop_out(io);
	}
	return 0;
}

static bool keep_out(struct tls_io *io, const char *p, size_t n)
{
	char *kept;

	if (io->kept_n + n > TLS_KEPT_BYTES_MAX)
		return false;
	kept = realloc(io->out_kept, io->kept_n + n);
	if (kept == NULL)
		return false;
	memcpy(kept + io->kept_n, p, n);
	io->out_kept = kept;
	io->kept_n += (uint32_t)n;
	return true;
}

static bool flush_kept(struct tls_io *io, bool more)
{
	io->kept_at +=
		(uint32_t)send_some(io, io->out_kept + io->kept_at, io->kept_n - io->kept_at, more);
	if (io->out_kept == NULL || io->kept_at < io->kept_n)
		return false;
	drop_out(io);
	return true;
}

static bool flush_shared(struct tls_io *io, bool more)
{
	size_t n = io->out_n;
	size_t sent = send_some(io, io->shared->out, n, more);

	io->out_n = 0;
	if (sent == n)
		return true;
	if (!tls_io_write_failed(io) && !keep_out(io, io->shared->out + sent, n - sent))
		fail_write(io, ENOMEM);
	return false;
}

/* Either of the two has bytes, never both. */
bool tls_io_flush(struct tls_io *io, bool more)
{
	if (tls_io_write_failed(io)) {
		drop_out(io);
		return false;
	}
	if (io->out_kept != NULL)
		return flush_kept(io, more);
	return io->out_n == 0 || flush_shared(io, more);
}

char *tls_io_room(struct tls_io *io, size_t n)
{
	if (io->out_kept == NULL && n > TLS_SHARED_BYTES - io->out_n)
		(void)tls_io_flush(io, true); /* the state tells */
	if (tls_io_write_failed(io) || io->out_kept != NULL || n > TLS_SHARED_BYTES)
		return NULL;
	return io->shared->out + io->out_n;
}

bool tls_io_put(struct tls_io *io, const char *p, size_t n)
{
	char *to = tls_io_room(io, n);

	if (to != NULL) {
		memcpy(to, p, n);
		tls_io_added(io, n);
		return true;
	}
	if (tls_io_write_failed(io))
		return false;
	if (keep_out(io, p, n))
		return true;
	fail_write(io, ENOBUFS);
	return false;
}

static int bio_write(BIO *b, const char *p, int n)
{
	BIO_clear_retry_flags(b);
	return tls_io_put(BIO_get_data(b), p, (size_t)n) ? n : -1;
}

/* ---- life ---- */

static long bio_ctrl(BIO *b, int command, long number, void *pointer)
{
	(void)b;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH; /* tls_io_flush does it once for all */
}

static int bio_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

static const char method_name[] = "neap";

static BIO_METHOD *make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, method_name);

	if (m != NULL && BIO_meth_set_read(m, bio_read) == 1 &&
	    BIO_meth_set_write(m, bio_write) == 1 && BIO_meth_set_ctrl(m, bio_ctrl) == 1 &&
	    BIO_meth_set_create(m, bio_create) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

struct tls_shared *tls_shared_create(void)
{
	struct tls_shared *shared = malloc(sizeof(*shared)); /* not touched before it is used */

	if (shared == NULL)
		return NULL;
	shared->method = make_method();
	if (shared->method != NULL)
		return shared;
	free(shared);
	return NULL;
}

void tls_shared_destroy(struct tls_shared *shared)
{
	if (shared == NULL)
		return;
	BIO_meth_free(shared->method);
	free(shared);
}

bool tls_io_init(struct tls_io *io, struct tls_shared *shared, int fd, const char *first, size_t n)
{
	*io = (struct tls_io){ .shared = shared, .fd = fd, .in = first, .in_n = (uint32_t)n };
	if (n == 0 || keep_in(io))
		return true;
	io->in_n = 0;
	return false;
}

void tls_io_fini(struct tls_io *io)
{
	drop_in(io);
	drop_out(io);
}

BIO *tls_io_bio(struct tls_io *io)
{
	BIO *b = BIO_new(io->shared->method);

	if (b != NULL)
		BIO_set_data(b, io);
	return b;
}

struct tls_io *tls_io_of(BIO *b)
{
	return b != NULL && strcmp(BIO_method_name(b), method_name) == 0 ? BIO_get_data(b) : NULL;
}
