/*
 * The bytes of one TLS connection between its socket and OpenSSL: a BIO over two buffers that all
 * connections of a process share. Within one call the socket is read once at most, and all that
 * OpenSSL writes goes out in one call of send. Only what is left over after a call is kept in memory
 * of the connection's own.
 */
#ifndef NEAP_NET_TLS_IO_H
#define NEAP_NET_TLS_IO_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TLS_RECORD_BYTES = 16 * 1024,	  /* of plain text in one record (RFC 8446 §5.1) */
	TLS_WRITE_BYTES = 64 * 1024,	  /* of plain text in one write */
	TLS_SHARED_BYTES = 72 * 1024,	  /* that, or as much as is read at once, as records */
	TLS_KEPT_BYTES_MAX = 1024 * 1024, /* a peer that has so much written and reads nothing */
};

/* One per process: what no connection needs for longer than a call. */
struct tls_shared {
	BIO_METHOD *method;
	char in[TLS_SHARED_BYTES];
	char out[TLS_SHARED_BYTES];
	char joined[TLS_RECORD_BYTES];	     /* short pieces of one record */
	char opened[TLS_RECORD_BYTES + 256]; /* a record whose owner has no room for all of it */
};

/* How one way of the socket stands. One that takes nothing more may still have bytes to read. */
enum tls_io_state { TLS_IO_OPEN, TLS_IO_ENDED /* the peer's end was read */, TLS_IO_FAILED };

struct tls_io {
	struct tls_shared *shared;
	int fd;
	int sys;		  /* errno, in TLS_IO_FAILED */
	size_t want;		  /* bytes that the socket may still be asked for in this call */
	const char *in;		  /* what OpenSSL has not taken */
	char *in_kept;		  /* the memory of it; NULL: the shared buffer, within a call */
	char *out_kept;		  /* what the socket did not take; NULL: nothing */
	uint32_t in_n;		  /* bytes at in */
	uint32_t out_n;		  /* bytes in the shared buffer, within a call */
	uint32_t kept_at, kept_n; /* of out_kept: sent so far, and all */
	uint8_t state;		  /* enum tls_io_state: of reading */
	uint8_t out_state;	  /* the same of writing: open or failed */
};

/* NULL: no memory. */
struct tls_shared *tls_shared_create(void);
void tls_shared_destroy(struct tls_shared *shared); /* NULL is harmless */

/* Begins with the n bytes at first, which were read already and are copied. False: no memory. */
bool tls_io_init(struct tls_io *io, struct tls_shared *shared, int fd, const char *first, size_t n);
void tls_io_fini(struct tls_io *io); /* does not close the socket */

/* A BIO for SSL_set_bio; NULL: no memory. *io must outlive it. */
BIO *tls_io_bio(struct tls_io *io);

/* That of such a BIO; NULL: b is another one, or NULL. */
struct tls_io *tls_io_of(BIO *b);

/*
 * Before a call of OpenSSL that reads: the socket may be asked once, for as many bytes (about) as
 * that much plain text takes. tls_io_end_read comes after the call and keeps what is left over;
 * false: no memory.
 */
void tls_io_begin_read(struct tls_io *io, size_t plain_bytes);
bool tls_io_end_read(struct tls_io *io);

/*
 * The same, and reads from the socket at once, unless bytes are left: for an owner that looks at them
 * before OpenSSL. True: there are bytes, or the end.
 */
bool tls_io_receive(struct tls_io *io, size_t plain_bytes);

/*
 * The same for one who reads io->in itself and needs more than is there: what the socket has comes
 * after it, once in a call. False: nothing came. tls_io_took: so many bytes were used.
 */
bool tls_io_gather(struct tls_io *io);

static inline void tls_io_took(struct tls_io *io, size_t n)
{
	io->in += n;
	io->in_n -= (uint32_t)n;
}

/*
 * Where n bytes to be sent may be put, tls_io_added follows; NULL: some are kept, or the socket
 * failed. tls_io_put: these n, which are kept if need be.
 */
char *tls_io_room(struct tls_io *io, size_t n);
bool tls_io_put(struct tls_io *io, const char *p, size_t n);

static inline void tls_io_added(struct tls_io *io, size_t n)
{
	io->out_n += (uint32_t)n;
}

/* Did the socket not take all that OpenSSL wrote? */
static inline bool tls_io_has_kept(const struct tls_io *io)
{
	return io->out_kept != NULL;
}

/* The socket takes nothing more; io->sys says why. */
static inline bool tls_io_write_failed(const struct tls_io *io)
{
	return io->out_state == TLS_IO_FAILED;
}

/* Has OpenSSL written something that was not flushed? */
static inline bool tls_io_has_output(const struct tls_io *io)
{
	return io->out_kept != NULL || io->out_n > 0;
}

/*
 * After calls of OpenSSL that write: sends all of it, more: as STREAM_MORE. True: all went out or
 * there was nothing. False: some is kept, or the socket failed (tls_io_write_failed).
 */
bool tls_io_flush(struct tls_io *io, bool more);

#endif
