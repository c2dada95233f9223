#include "net/tls_write.h"

#include <openssl/ssl.h>
#include <string.h>

#include "crypto/fault.h"

enum {
	SMALL_RECORD_BYTES = 4096,	      /* a client can decrypt it before the window grows */
	SMALL_BYTES = 4 * SMALL_RECORD_BYTES, /* so much goes out in small records first */
	IDLE_MS = 1000,			      /* after so long without a write it begins anew */
};

/* The pieces of a write, from where it stands. */
struct pieces {
	const struct iovec *iov;
	int count;
	size_t at; /* in the first of them */
};

static void skip(struct pieces *p, size_t n)
{
	while (p->count > 0 && n >= p->iov->iov_len - p->at) {
		n -= p->iov->iov_len - p->at;
		p->at = 0;
		p->iov++;
		p->count--;
	}
	p->at += n;
}

/* The next n bytes at most, joined if they are in several pieces. */
static struct str next_record(const struct pieces *p, char *joined, size_t n)
{
	struct pieces left = *p;
	size_t total = 0;

	if (left.count == 1 || left.iov->iov_len - left.at >= n) {
		size_t here = left.iov->iov_len - left.at;
		return (struct str){ (const char *)left.iov->iov_base + left.at,
				     here < n ? here : n };
	}
	while (left.count > 0 && total < n) {
		size_t here = left.iov->iov_len - left.at;
		size_t take = here < n - total ? here : n - total;
		memcpy(joined + total, (const char *)left.iov->iov_base + left.at, take);
		total += take;
		skip(&left, take);
	}
	return (struct str){ joined, total };
}

/*
 * Small records first, for they can be read before the rest of them has come; whole ones when a
 * body flows.
 */
static size_t record_bytes(const struct tls_conn *c)
{
	return c->wrote < SMALL_BYTES ? SMALL_RECORD_BYTES : TLS_RECORD_BYTES;
}

static void note_burst(struct tls_conn *c)
{
	int64_t now_ms = loop_now_ms(c->loop);

	if (now_ms - c->wrote_ms > IDLE_MS)
		c->wrote = 0;
	c->wrote_ms = now_ms;
}

/* A message of TLS itself may be read in part: then the rest of it comes first, and that is all. */
static ssize_t stopped(struct tls_conn *c, int result, size_t total)
{
	int error = SSL_get_error(c->ssl, result);

	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return (ssize_t)total;
	return tls_conn_break(c, tls_conn_trouble(c, error, TLS_REASON_CUT));
}

/* How much of it became records in the shared buffer; -1: an error. */
static ssize_t encrypt(struct tls_conn *c, struct pieces *p)
{
	size_t total = 0, put = 0;

	fault_drop();
	note_burst(c);
	for (skip(p, c->owes); p->count > 0 && total < TLS_WRITE_BYTES; skip(p, put)) {
		struct str record = next_record(p, c->io.shared->joined, record_bytes(c));
		int result = SSL_write_ex(c->ssl, record.p, record.n, &put);

		if (result != 1)
			return stopped(c, result, total);
		total += put;
		if (c->wrote < SMALL_BYTES)
			c->wrote += (uint32_t)put;
	}
	return (ssize_t)total;
}

enum { PIECES_MAX = 8 };

/* The next n bytes at most, as pieces of their own; *n: how many they are. */
static void next_pieces(const struct pieces *p, struct iovec to[PIECES_MAX], size_t *n)
{
	struct pieces left = *p;
	size_t total = 0;

	for (int i = 0; i < PIECES_MAX && left.count > 0 && total < *n; i++) {
		size_t here = left.iov->iov_len - left.at;
		size_t take = here < *n - total ? here : *n - total;
		to[i] = (struct iovec){ (char *)left.iov->iov_base + left.at, take };
		total += take;
		skip(&left, take);
	}
	*n = total;
}

/* The same without OpenSSL's object. */
static ssize_t seal(struct tls_conn *c, struct pieces *p)
{
	struct iovec record[PIECES_MAX];
	size_t total = 0, n = 0;

	note_burst(c);
	for (skip(p, c->owes); p->count > 0 && total < TLS_WRITE_BYTES; skip(p, n)) {
		n = record_bytes(c);
		next_pieces(p, record, &n);
		if (!tls_records_write(c->records, &c->io, record, n))
			break;
		total += n;
		if (c->wrote < SMALL_BYTES)
			c->wrote += (uint32_t)n;
	}
	if (unlikely(c->records->state == TLS_RECORDS_BROKEN))
		return tls_conn_break(c, c->records->trouble);
	return (ssize_t)total;
}

/* The same; it reads the rest of such a message. */
static ssize_t read_and_encrypt(struct tls_conn *c, struct pieces *p)
{
	ssize_t n;

	tls_io_begin_read(&c->io, 1);
	n = encrypt(c, p);
	if (!tls_io_end_read(&c->io))
		return tls_conn_break(c, tls_trouble_of(TLS_REASON_MEMORY));
	return n;
}

static ssize_t write_failed(struct tls_conn *c)
{
	return stream_fail(c->stream, c->io.sys);
}

static ssize_t write_pieces(struct tls_conn *c, struct pieces *p, int flags)
{
	ssize_t n, owed = c->owes;

	if (tls_io_write_failed(&c->io)) /* what the peer sent before can still be read */
		return write_failed(c);
	if (tls_io_has_kept(&c->io) && !tls_io_flush(&c->io, true))
		return tls_io_write_failed(&c->io) ? write_failed(c) : IO_AGAIN;
	if (c->ssl == NULL)
		n = seal(c, p);
	else
		n = SSL_in_init(c->ssl) == 1 ? read_and_encrypt(c, p) : encrypt(c, p);
	if (n < 0) {
		(void)tls_io_flush(&c->io, false); /* an alert; it fails anyway */
		return n;
	}
	c->owes = 0;
	n += owed;
	if (tls_io_flush(&c->io, (flags & STREAM_MORE) != 0))
		return n > 0 || c->ssl == NULL || SSL_in_init(c->ssl) == 0 ? n : IO_AGAIN;
	if (tls_io_write_failed(&c->io))
		return write_failed(c);
	c->owes = n > 0; /* the owner is to come again */
	return n > 1 ? n - 1 : IO_AGAIN;
}

ssize_t tls_write(struct tls_conn *c, const struct iovec *iov, int count, int flags)
{
	struct pieces p = { iov, count, 0 };

	return write_pieces(c, &p, flags);
}
