#include "net/tls_records.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum {
	EMPTY_MAX = 32, /* records of no use, one after the other */
	MESSAGES_MAX =
		16, /* of TLS itself, in one read: a KeyUpdate costs far more than its bytes */
	MESSAGE_HEADER_BYTES = 4,
	KEY_UPDATE_BYTES = MESSAGE_HEADER_BYTES + 1,
	TICKET_BYTES_MAX = 131337, /* all its parts at their longest (RFC 8446 §4.6.1) */
};

/* What came of the bytes at hand. */
enum taken { TAKEN_NOTHING, TAKEN_CONTENT, TAKEN_MESSAGE };

/* ---- writing ---- */

/* Nothing is sent after it, also no close_notify: what was under way did not end well. */
static bool fail(struct tls_records *r, struct tls_trouble trouble)
{
	r->state = TLS_RECORDS_BROKEN;
	r->trouble = trouble;
	r->has_said_close = true;
	return false;
}

/* What OpenSSL itself would say. */
static bool fail_as(struct tls_records *r, int ssl_reason)
{
	return fail(r, tls_trouble_of_ssl(ssl_reason, r->is_server));
}

static bool put(struct tls_records *r, struct tls_io *io, enum record_type type, const void *bytes,
		size_t n)
{
	struct iovec piece = { (void *)(uintptr_t)bytes, n };
	char record[64 + RECORD_MORE_BYTES];

	if (!record_seal(&r->out, type, &piece, n, record))
		return fail(r, tls_trouble_of(TLS_REASON_OTHER));
	return tls_io_put(io, record, n + RECORD_MORE_BYTES);
}

/* New keys for what is written; the peer's are its own business. */
static bool put_key_update(struct tls_records *r, struct tls_io *io)
{
	static const uint8_t update[KEY_UPDATE_BYTES] = { SSL3_MT_KEY_UPDATE, 0, 0, 1,
							  SSL_KEY_UPDATE_NOT_REQUESTED };

	if (!put(r, io, RECORD_HANDSHAKE, update, sizeof(update)))
		return false;
	return record_keys_update(&r->out) || fail(r, tls_trouble_of(TLS_REASON_MEMORY));
}

static void put_alert(struct tls_records *r, struct tls_io *io, uint8_t level, uint8_t description)
{
	const uint8_t alert[] = { level, description };

	if (!r->has_said_close)
		(void)put(r, io, RECORD_ALERT, alert, sizeof(alert)); /* it fails anyway */
	r->has_said_close = true;
}

bool tls_records_write(struct tls_records *r, struct tls_io *io, const struct iovec *pieces,
		       size_t n)
{
	char *to;

	if (unlikely(r->state == TLS_RECORDS_BROKEN))
		return false;
	if (unlikely(r->has_said_close)) /* RFC 8446 §6.1: close_notify is the last */
		return fail(r, tls_trouble_of(TLS_REASON_OTHER));
	if (unlikely(record_keys_are_worn(&r->out)) && !put_key_update(r, io))
		return false;
	to = tls_io_room(io, n + RECORD_MORE_BYTES);
	if (to == NULL)
		return false;
	if (!record_seal(&r->out, RECORD_DATA, pieces, n, to))
		return fail(r, tls_trouble_of(TLS_REASON_OTHER));
	tls_io_added(io, n + RECORD_MORE_BYTES);
	return true;
}

void tls_records_close(struct tls_records *r, struct tls_io *io)
{
	put_alert(r, io, SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY);
}

/* ---- messages of TLS itself ---- */

static bool refuse_record(struct tls_records *r, struct tls_io *io, uint8_t description,
			  int ssl_reason)
{
	put_alert(r, io, SSL3_AL_FATAL, description);
	return fail_as(r, ssl_reason);
}

static bool note_empty(struct tls_records *r, struct tls_io *io)
{
	return ++r->empty <= EMPTY_MAX ||
	       refuse_record(r, io, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_RECORD_TOO_SMALL);
}

static bool take_alert(struct tls_records *r, struct tls_io *io, const uint8_t *p, size_t n)
{
	if (n != 2)
		return refuse_record(r, io, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_INVALID_ALERT);
	if (p[1] == SSL_AD_USER_CANCELLED) /* close_notify follows */
		return note_empty(r, io);
	if (p[1] != SSL_AD_CLOSE_NOTIFY)
		return fail_as(r, SSL_AD_REASON_OFFSET + p[1]);
	r->state = TLS_RECORDS_ENDED;
	return true;
}

/* What it says holds from its end on: the next record has other keys (RFC 8446 §4.6.3). */
static bool take_key_update(struct tls_records *r, struct tls_io *io, uint8_t request)
{
	if (request > SSL_KEY_UPDATE_REQUESTED)
		return refuse_record(r, io, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_KEY_UPDATE);
	if (!record_keys_update(&r->in))
		return fail(r, tls_trouble_of(TLS_REASON_MEMORY));
	if (request == SSL_KEY_UPDATE_REQUESTED && !r->has_said_close)
		return put_key_update(r, io);
	return true;
}

/* The type and the length of a message have come: is it one that may come, and how long is the rest? */
static bool check_message(struct tls_records *r, struct tls_io *io)
{
	const uint8_t *p = r->message;
	uint32_t n = (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];

	if (p[0] == SSL3_MT_KEY_UPDATE)
		return n == 1 || refuse_record(r, io, SSL_AD_DECODE_ERROR, SSL_R_BAD_KEY_UPDATE);
	/* Only a server sends tickets; nobody waits for them here any more. */
	if (p[0] != SSL3_MT_NEWSESSION_TICKET || r->is_server)
		return refuse_record(r, io, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_UNEXPECTED_MESSAGE);
	if (n > TICKET_BYTES_MAX)
		return refuse_record(r, io, SSL_AD_ILLEGAL_PARAMETER, SSL_R_EXCESSIVE_MESSAGE_SIZE);
	r->skip = n;
	r->message_n = 0;
	return true;
}

/* All of a KeyUpdate has come; it must be the last of its record (RFC 8446 §5.1). */
static bool end_message(struct tls_records *r, struct tls_io *io, size_t left)
{
	r->message_n = 0;
	if (left > 0)
		return refuse_record(r, io, SSL_AD_UNEXPECTED_MESSAGE,
				     SSL_R_NOT_ON_RECORD_BOUNDARY);
	return take_key_update(r, io, r->message[MESSAGE_HEADER_BYTES]);
}

/* A record may have several messages, and a message several records (RFC 8446 §5.1). */
static bool take_handshake(struct tls_records *r, struct tls_io *io, const uint8_t *p, size_t n)
{
	while (n > 0) {
		if (r->skip > 0) {
			size_t skipped = r->skip < n ? r->skip : n;
			r->skip -= (uint32_t)skipped;
			p += skipped;
			n -= skipped;
			continue;
		}
		r->message[r->message_n++] = *p++;
		n--;
		if (r->message_n == MESSAGE_HEADER_BYTES && !check_message(r, io))
			return false;
		if (r->message_n == KEY_UPDATE_BYTES)
			return end_message(r, io, n);
	}
	return true;
}

/* A message that began may have nothing else between its parts (RFC 8446 §5.1). */
static bool is_within_message(const struct tls_records *r)
{
	return r->skip > 0 || r->message_n > 0;
}

/* ---- reading ---- */

/* How long the record at the front is, without its header; 0: the header is not whole. */
static size_t front_bytes(const struct tls_io *io)
{
	const uint8_t *p = (const uint8_t *)io->in;

	return io->in_n < RECORD_HEADER_BYTES ? 0 : (size_t)p[3] << 8 | p[4];
}

/* A whole record, or one that is known to be wrong. */
static bool has_record(const struct tls_io *io)
{
	size_t n = front_bytes(io);

	return io->in_n >= RECORD_HEADER_BYTES &&
	       (n > RECORD_CIPHER_MAX || io->in_n >= RECORD_HEADER_BYTES + n);
}

static bool check_header(struct tls_records *r, struct tls_io *io, size_t n)
{
	if (io->in[0] != RECORD_DATA)
		return refuse_record(r, io, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE);
	if (io->in[1] != 3 || io->in[2] != 3)
		return refuse_record(r, io, SSL_AD_DECODE_ERROR, SSL_R_WRONG_VERSION_NUMBER);
	if (n > RECORD_CIPHER_MAX)
		return refuse_record(r, io, SSL_AD_RECORD_OVERFLOW,
				     SSL_R_ENCRYPTED_LENGTH_TOO_LONG);
	if (n <= RECORD_TAG_BYTES)
		return refuse_record(r, io, SSL_AD_BAD_RECORD_MAC, SSL_R_LENGTH_TOO_SHORT);
	return true;
}

/* The type is the last byte that is not 0; *n without padding and type (RFC 8446 §5.4). */
static bool unpad(struct tls_records *r, struct tls_io *io, const char *p, size_t *n, uint8_t *type)
{
	if (*n > RECORD_PLAIN_MAX + 1) /* padding included */
		return refuse_record(r, io, SSL_AD_RECORD_OVERFLOW, SSL_R_DATA_LENGTH_TOO_LONG);
	while (*n > 0 && p[*n - 1] == 0)
		--*n;
	if (*n == 0)
		return refuse_record(r, io, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE);
	*type = (uint8_t)p[--*n];
	return true;
}

static bool open_front(struct tls_records *r, struct tls_io *io, char *to, size_t *n, uint8_t *type)
{
	size_t sealed = front_bytes(io);

	if (!check_header(r, io, sealed))
		return false;
	if (!record_open(&r->in, io->in, sealed, to)) {
		ERR_clear_error();
		return refuse_record(r, io, SSL_AD_BAD_RECORD_MAC,
				     SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
	}
	tls_io_took(io, RECORD_HEADER_BYTES + sealed);
	*n = sealed - RECORD_TAG_BYTES;
	return unpad(r, io, to, n, type);
}

static bool keep_plain(struct tls_records *r, const char *p, size_t n)
{
	r->plain = malloc(n);
	if (r->plain == NULL)
		return fail(r, tls_trouble_of(TLS_REASON_MEMORY));
	memcpy(r->plain, p, n);
	r->plain_at = 0;
	r->plain_n = (uint32_t)n;
	return true;
}

static size_t take_plain(struct tls_records *r, char *to, size_t n)
{
	size_t left = r->plain_n - r->plain_at;
	size_t take = left < n ? left : n;

	memcpy(to, r->plain + r->plain_at, take);
	r->plain_at += (uint32_t)take;
	if (take == left) {
		free(r->plain);
		r->plain = NULL;
	}
	return take;
}

static enum taken take_message(struct tls_records *r, struct tls_io *io, uint8_t type,
			       const char *p, size_t n)
{
	const uint8_t *bytes = (const uint8_t *)p;

	if (type != RECORD_HANDSHAKE && is_within_message(r))
		(void)refuse_record(r, io, SSL_AD_UNEXPECTED_MESSAGE,
				    SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA);
	else if (type == RECORD_ALERT)
		(void)take_alert(r, io, bytes, n); /* the state tells */
	else if (type == RECORD_HANDSHAKE && n > 0)
		(void)take_handshake(r, io, bytes, n);
	else
		(void)refuse_record(r, io, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE);
	return TAKEN_MESSAGE;
}

/*
 * The record at the front, which is whole or wrong; room: at `to`, where *got bytes of content come.
 * What has no room there is opened aside and kept.
 */
static enum taken take_record(struct tls_records *r, struct tls_io *io, char *to, size_t room,
			      size_t *got)
{
	bool fits = front_bytes(io) <= room + RECORD_TAG_BYTES;
	char *at = fits ? to : io->shared->opened;
	size_t n = 0;
	uint8_t type = 0;

	*got = 0;
	if (!open_front(r, io, at, &n, &type))
		return TAKEN_MESSAGE;
	if (type != RECORD_DATA || unlikely(is_within_message(r)))
		return take_message(r, io, type, at, n);
	if (n == 0) {
		(void)note_empty(r, io); /* the state tells */
		return TAKEN_MESSAGE;
	}
	r->empty = 0;
	if (fits)
		*got = n;
	else if (keep_plain(r, at, n) && room > 0)
		*got = take_plain(r, to, room);
	return TAKEN_CONTENT;
}

/* Goes through the records at hand until there is room no more. */
static size_t take_records(struct tls_records *r, struct tls_io *io, char *to, size_t room,
			   unsigned *messages)
{
	size_t total = 0, got;

	while (r->state == TLS_RECORDS_OPEN && total < room && has_record(io) &&
	       *messages < MESSAGES_MAX) {
		if (take_record(r, io, to + total, room - total, &got) == TAKEN_MESSAGE)
			++*messages;
		total += got;
	}
	return total;
}

size_t tls_records_read(struct tls_records *r, struct tls_io *io, char *to, size_t n)
{
	unsigned messages = 0;
	size_t total;

	if (unlikely(r->plain != NULL))
		return take_plain(r, to, n);
	if (!has_record(io) && !tls_io_gather(io))
		return 0;
	total = take_records(r, io, to, n, &messages);
	if (unlikely(total == 0 && messages > 0 && messages < MESSAGES_MAX &&
		     r->state == TLS_RECORDS_OPEN && tls_io_gather(io)))
		total = take_records(r, io, to, n, &messages);
	return total;
}

bool tls_records_hold_input(const struct tls_records *r, const struct tls_io *io)
{
	return r->plain != NULL || r->state != TLS_RECORDS_OPEN || has_record(io);
}

bool tls_records_have_input(struct tls_records *r, struct tls_io *io)
{
	unsigned messages = 0;
	size_t got;

	if (r->plain != NULL || r->state != TLS_RECORDS_OPEN)
		return true;
	if (!has_record(io) && !tls_io_gather(io))
		return io->state != TLS_IO_OPEN;
	while (r->state == TLS_RECORDS_OPEN && has_record(io) && messages++ < MESSAGES_MAX) {
		if (take_record(r, io, NULL, 0, &got) == TAKEN_CONTENT)
			return true;
	}
	return r->state != TLS_RECORDS_OPEN || io->state != TLS_IO_OPEN;
}

/* ---- life ---- */

struct tls_records *tls_records_create(bool is_server)
{
	struct tls_records *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->is_server = is_server;
	return r;
}

bool tls_records_begin(struct tls_records *r, const struct record_suite *suite)
{
	return record_keys_begin(&r->in, suite, false) && record_keys_begin(&r->out, suite, true);
}

void tls_records_free(struct tls_records *r)
{
	if (r == NULL)
		return;
	record_keys_end(&r->in);
	record_keys_end(&r->out);
	free(r->plain);
	free(r);
}
