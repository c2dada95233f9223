/*
 * Records of TLS 1.3 from a peer that has the keys and sends what the fuzzer wrote: records of any type,
 * size and padding, new keys, tickets and alerts, whole and in parts, forged ones, and all of it cut
 * anywhere. What comes out is what was sealed, in order; what goes out opens under the peer's keys, and
 * an alert is the last of it. A peer that keeps to the rules gets through, and each of its requests for
 * new keys is answered.
 */
#include <stddef.h>

#include "fuzz.h"
#include "net/tls_records.h"

enum { WIRE_MAX = 256 * 1024, ROOM_MAX = 20000, OPS_MAX = 256 };

struct script {
	const uint8_t *p, *end;
};

struct play {
	struct script script;
	struct tls_io io;
	struct tls_records *r;
	struct record_keys in, out;	/* of the peer */
	char wire[WIRE_MAX];		/* what the peer has sent and is on its way */
	size_t wire_at, wire_n, last_n; /* last_n: bytes of its last record */
	size_t sealed, delivered;	/* content of the peer */
	size_t written, received;	/* ours */
	unsigned asked, answered;	/* for new keys */
	bool is_lawful, was_alerted;
};

static struct play play;

static uint8_t next(struct play *p)
{
	return p->script.p < p->script.end ? *p->script.p++ : 0;
}

static size_t next_size(struct play *p, size_t max)
{
	size_t high = next(p);
	return (high << 8 | next(p)) % (max + 1);
}

/* The byte of content at that place of the flow. */
static char flow(size_t at)
{
	return (char)(at * 31 + (at >> 8));
}

/* ---- what the peer sends ---- */

static void peer_seals(struct play *p, uint8_t type, const char *content, size_t n, size_t padding)
{
	size_t inner =
		n +
		padding; /* with padding, the type and zeros, of which the last is sealed as one */
	if (p->wire_n + inner + RECORD_MORE_BYTES > WIRE_MAX)
		return;
	char *bytes = malloc(inner + 1);
	must(bytes != NULL);
	memset(bytes, 0, inner + 1);
	if (n > 0)
		memcpy(bytes, content, n);
	if (padding > 0)
		bytes[n] = (char)type;
	struct iovec piece = { bytes, inner };
	must(record_seal(&p->out, padding > 0 ? 0 : type, &piece, inner, p->wire + p->wire_n));
	p->last_n = inner + RECORD_MORE_BYTES;
	p->wire_n += p->last_n;
	free(bytes);
}

static void send_data(struct play *p, size_t n, size_t padding)
{
	char *content = malloc(n + 1);
	must(content != NULL);
	for (size_t i = 0; i < n; i++)
		content[i] = flow(p->sealed + i);
	size_t before = p->wire_n;
	peer_seals(p, RECORD_DATA, content, n, padding);
	if (p->wire_n > before)
		p->sealed += n;
	if (n == 0 || n + padding > RECORD_PLAIN_MAX)
		p->is_lawful = false;
	free(content);
}

/* A message in two records, if it is cut within. */
static void send_message(struct play *p, const char *message, size_t n, size_t cut)
{
	if (cut > 0 && cut < n) {
		peer_seals(p, RECORD_HANDSHAKE, message, cut, next(p));
		peer_seals(p, RECORD_HANDSHAKE, message + cut, n - cut, next(p));
	} else {
		peer_seals(p, RECORD_HANDSHAKE, message, n, next(p));
	}
}

static void send_key_update(struct play *p)
{
	uint8_t request = next(p);
	const char message[] = { 24, 0, 0, 1, (char)request };
	if (p->wire_n + 1024 > WIRE_MAX)
		return;
	send_message(p, message, sizeof(message), next(p) % 6);
	must(record_keys_update(&p->out));
	p->asked += request == 1;
	if (request > 1)
		p->is_lawful = false;
}

/* Several, as it may be. */
static void send_tickets(struct play *p)
{
	char message[600] = { 0 };
	size_t n = next(p), count = next(p) % 3;
	for (size_t i = 0, at = 0; i < count; i++, at += 4 + n) {
		message[at] = 4;
		message[at + 3] = (char)n;
	}
	if (count == 0 || p->wire_n + 2048 > WIRE_MAX)
		return;
	send_message(p, message, count * (4 + n), next_size(p, 599));
	if (p->r->is_server)
		p->is_lawful = false;
}

static size_t rest_of_script(struct play *p, size_t n)
{
	size_t left = (size_t)(p->script.end - p->script.p);
	return left < n ? left : n;
}

/* Anything, under the keys; data keep to the flow. */
static void send_any(struct play *p)
{
	uint8_t type = next(p);
	size_t padding = next(p), n = rest_of_script(p, next(p));
	p->is_lawful = false;
	if (type == RECORD_DATA)
		send_data(p, n, padding);
	else if (type == 0) /* no type at all: else one would be found in the content */
		peer_seals(p, type, "", 0, padding);
	else
		peer_seals(p, type, (const char *)p->script.p, n, padding);
	p->script.p += n;
}

/* Anything, in the clear. */
static void send_raw(struct play *p)
{
	size_t n = rest_of_script(p, next(p));
	p->is_lawful = false;
	if (p->wire_n + n > WIRE_MAX)
		return;
	memcpy(p->wire + p->wire_n, p->script.p, n);
	p->wire_n += n;
	p->script.p += n;
}

static void spoil(struct play *p)
{
	size_t back = next_size(p, 65535);
	p->is_lawful = false;
	if (back < p->last_n && back < p->wire_n - p->wire_at)
		p->wire[p->wire_n - 1 - back] ^= (char)(1 << next(p) % 8);
}

/* ---- what we send ---- */

static void take_ours(struct play *p, char type, const char *content, size_t n)
{
	must(!p->was_alerted);
	if (type == RECORD_ALERT) {
		must(n == 2);
		p->was_alerted = true;
	} else if (type == RECORD_HANDSHAKE) {
		must(n == 5 && memcmp(content, "\x18\0\0\1\0", 5) == 0);
		must(record_keys_update(&p->in));
		p->answered++;
	} else {
		must(type == RECORD_DATA);
		for (size_t i = 0; i < n; i++)
			must(content[i] == flow(p->received + i));
		p->received += n;
	}
}

static void peer_opens_all(struct play *p)
{
	static char content[RECORD_CIPHER_MAX];
	const char *at = p->io.shared->out, *end = at + p->io.out_n;
	while (at < end) {
		must(end - at > RECORD_MORE_BYTES - 1 && at[0] == RECORD_DATA);
		size_t n = (size_t)(uint8_t)at[3] << 8 | (uint8_t)at[4];
		must(n <= RECORD_CIPHER_MAX && n <= (size_t)(end - at) - RECORD_HEADER_BYTES);
		must(record_open(&p->in, at, n, content));
		size_t inner = n - RECORD_TAG_BYTES;
		take_ours(p, content[inner - 1], content, inner - 1);
		at += RECORD_HEADER_BYTES + n;
	}
	p->io.out_n = 0;
	must(p->io.out_kept == NULL && p->received == p->written);
}

static void write_ours(struct play *p)
{
	static char bytes[RECORD_PLAIN_MAX];
	size_t n = next_size(p, RECORD_PLAIN_MAX - 1) + 1, cut = next(p) * n / 256;
	for (size_t i = 0; i < n; i++)
		bytes[i] = flow(p->written + i);
	struct iovec pieces[] = { { bytes, cut }, { bytes + cut, n - cut } };
	bool may = p->r->state != TLS_RECORDS_BROKEN && !p->r->has_said_close;
	bool was_written = tls_records_write(p->r, &p->io, pieces, n);
	must(was_written == may);
	if (was_written)
		p->written += n;
	else
		p->is_lawful = false;
	peer_opens_all(p);
}

/* ---- what we read ---- */

/* So many bytes more have come, in memory of just that size. */
static void deliver(struct play *p, size_t n)
{
	size_t had = p->io.in_n, left = p->wire_n - p->wire_at;
	if (n > left)
		n = left;
	if (n > TLS_SHARED_BYTES - had)
		n = TLS_SHARED_BYTES - had;
	char *bytes = malloc(had + n > 0 ? had + n : 1);
	must(bytes != NULL);
	if (had > 0)
		memcpy(bytes, p->io.in, had);
	memcpy(bytes + had, p->wire + p->wire_at, n);
	free(p->io.in_kept);
	p->io.in = p->io.in_kept = bytes;
	p->io.in_n = (uint32_t)(had + n);
	p->wire_at += n;
}

static size_t read_once(struct play *p, size_t room)
{
	char *to = malloc(room);
	must(to != NULL);
	size_t got = tls_records_read(p->r, &p->io, to, room);
	must(got <= room && got <= p->sealed - p->delivered);
	for (size_t i = 0; i < got; i++)
		must(to[i] == flow(p->delivered + i));
	p->delivered += got;
	free(to);
	must(tls_io_end_read(&p->io));
	peer_opens_all(p);
	return got;
}

static void look(struct play *p)
{
	bool held = tls_records_hold_input(p->r, &p->io);
	bool is_input = tls_records_have_input(p->r, &p->io);
	must(held || !is_input);
	must(tls_io_end_read(&p->io));
	peer_opens_all(p);
}

static void close_ours(struct play *p)
{
	tls_records_close(p->r, &p->io);
	must(p->io.out_n == 0 || p->r->state != TLS_RECORDS_BROKEN);
	peer_opens_all(p);
	must(p->r->has_said_close);
}

/* ---- all of it ---- */

static void step(struct play *p)
{
	switch (next(p) % 10) {
	case 0:
		send_data(p, next_size(p, RECORD_PLAIN_MAX + 300), 0);
		break;
	case 1:
		send_data(p, next(p), next_size(p, RECORD_PLAIN_MAX + 300));
		break;
	case 2:
		send_key_update(p);
		break;
	case 3:
		send_tickets(p);
		break;
	case 4:
		send_any(p);
		break;
	case 5:
		next(p) % 2 == 0 ? send_raw(p) : spoil(p);
		break;
	case 6:
		deliver(p, next_size(p, 65535));
		read_once(p, next_size(p, ROOM_MAX) + 1);
		break;
	case 7:
		deliver(p, next(p));
		look(p);
		break;
	case 8:
		write_ours(p);
		break;
	default:
		if (next(p) % 8 == 0)
			close_ours(p);
	}
}

static void read_the_rest(struct play *p)
{
	size_t before;
	do {
		before = p->wire_at + p->delivered + p->io.in_n;
		deliver(p, TLS_SHARED_BYTES);
		while (read_once(p, ROOM_MAX) > 0)
			;
	} while (p->wire_at + p->delivered + p->io.in_n != before ||
		 (tls_records_hold_input(p->r, &p->io) && p->r->state == TLS_RECORDS_OPEN));
}

static void set_secret(struct record_keys *a, struct record_keys *b, uint8_t fill, uint8_t n)
{
	memset(a->secret, fill, n);
	memset(b->secret, fill, n);
	a->secret_n = b->secret_n = n;
}

static void begin(struct play *p, struct tls_shared *shared)
{
	static const uint16_t numbers[] = { 0x1301, 0x1302, 0x1303 };
	uint8_t kind = next(p);
	const struct record_suite *suite = record_suite_of(numbers[kind % 3]);
	uint8_t n = kind % 3 == 1 ? 48 : 32;
	must(tls_io_init(&p->io, shared, -1, NULL, 0));
	p->r = tls_records_create((kind & 0x80) != 0);
	must(p->r != NULL);
	set_secret(&p->r->in, &p->out, 'i', n);
	set_secret(&p->r->out, &p->in, 'o', n);
	if ((kind & 0x40) != 0) /* the next record is the last before new keys are due */
		p->r->out.sequence = p->in.sequence = ((uint64_t)1 << 24) - 1;
	must(tls_records_begin(p->r, suite));
	must(record_keys_begin(&p->in, suite, false) && record_keys_begin(&p->out, suite, true));
	p->is_lawful = true;
}

/* Those that ask for new keys beside their own are answered; worn keys are renewed unasked. */
static void must_be_through(const struct play *p)
{
	must(p->r->state == TLS_RECORDS_OPEN && p->delivered == p->sealed && p->io.in_n == 0);
	must(p->r->has_said_close || p->answered == p->asked || p->answered == p->asked + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tls_shared *shared;
	struct play *p = &play;
	if (shared == NULL)
		shared = tls_shared_create();
	must(shared != NULL);
	memset(p, 0, offsetof(struct play, wire));
	p->wire_at = p->wire_n = p->last_n = p->sealed = p->delivered = p->written = p->received =
		0;
	p->asked = p->answered = 0;
	p->was_alerted = false;
	p->script = (struct script){ data, data + size };
	begin(p, shared);
	for (int i = 0; i < OPS_MAX && p->script.p < p->script.end; i++)
		step(p);
	read_the_rest(p);
	if (p->is_lawful)
		must_be_through(p);
	must(p->r->state != TLS_RECORDS_BROKEN || p->r->trouble.words != NULL);
	tls_records_free(p->r);
	record_keys_end(&p->in);
	record_keys_end(&p->out);
	tls_io_fini(&p->io);
	return 0;
}
