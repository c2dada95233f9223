#define _GNU_SOURCE
#include "soak_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Each is refused with this status, whatever comes behind. "BAD" must never reach a backend. */
static const struct {
	const char *text;
	size_t n; /* 0: up to the zero */
	unsigned status;
} refused[] = {
	{ "GET /BAD HTTP/1.1\r\n\r\n", 0, 400 },
	{ "GET /BAD HTTP/1.1\nHost: a\n\n", 0, 400 },
	{ "GET /BAD HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 0, 400 },
	{ "GET /BAD HTTP/1.1\r\nHost : a\r\n\r\n", 0, 400 },
	{ "GET /BAD HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n", 0, 400 },
	{ "GET /BAD HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 38, 400 },
	{ "GET /BAD HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 0, 400 },
	{ "GET /BAD HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1\r\n\r\n", 0, 400 },
	{ "GET  /BAD HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400 },
	{ "GET /BAD%zz HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400 },
	{ "GET /BAD#x HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400 },
	{ "GET http://b/BAD HTTP/1.1\r\nHost: a\r\n\r\n", 0, 400 },
	{ "GET /BAD HTTP/2.0\r\nHost: a\r\n\r\n", 0, 505 },
	{ "GET /BAD HTTX/1.1\r\nHost: a\r\n\r\n", 0, 400 },
	{ "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 0, 405 },
	{ "POST /BAD HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
	  0, 400 },
	{ "POST /BAD HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 0,
	  400 },
	{ "POST /BAD HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd", 0, 400 },
	{ "POST /BAD HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\nabcd", 0, 413 },
	{ "POST /BAD HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 0, 501 },
	{ "POST /BAD HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 0, 400 },
	{ "POST /BAD HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 400 },
	{ "POST /BAD HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\na", 0,
	  417 },
	{ "\26\3\1\2\0\1\0", 7, 400 },
};

/* Behind a good head with chunked coding. */
static const char *const bad_chunks[] = {
	"5\r\nhelloX",
	"-1\r\n",
	"5 \r\nhello\r\n",
	"5\nhello\n",
	"0x5\r\nhello\r\n",
	"fffffffffffffffff\r\n",
	"3;a=\"\r\nabc\r\n",
	"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
	"3\r\nabc\r\n0\r\nX Y: 5\r\n\r\n",
};

static void put(struct plan *p, const char *bytes, size_t n)
{
	memcpy(p->bytes + p->n, bytes, n);
	p->n += n;
}

__attribute__((format(printf, 2, 3))) static void put_text(struct plan *p, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	p->n += (size_t)vsnprintf(p->bytes + p->n, 4096, format, list);
	va_end(list);
}

static struct request *add(struct plan *p, uint64_t *seed, char kind)
{
	static const size_t sizes[] = { 16, 1024, 1024, 1024, 8192, 8192, 65536, SOAK_SIZE_MAX };
	struct request *r = &p->requests[p->count++];
	size_t most = sizes[soak_dice(seed, 6)];

	if (soak_dice(seed, 50) == 0)
		most = sizes[6 + soak_dice(seed, 2)];
	*r = (struct request){ .kind = kind };
	r->token = 1 + soak_dice(seed, 1ULL << 48);
	r->size = 1 + (size_t)soak_dice(seed, most);
	return r;
}

static void put_head(struct plan *p, const struct request *r, const char *method, const char *more)
{
	put_text(p, "%s /%c/%llu/%zu HTTP/1.1\r\nHost: soak.example\r\nX-Token: %llu\r\n%s\r\n",
		 method, r->kind, (unsigned long long)r->token, r->size,
		 (unsigned long long)r->token, more);
}

static void add_get(struct plan *p, uint64_t *seed, char kind)
{
	struct request *r = add(p, seed, kind);

	r->is_head = kind == 'g' && soak_dice(seed, 8) == 0;
	put_head(p, r, r->is_head ? "HEAD" : "GET", "");
}

static void add_post(struct plan *p, uint64_t *seed, char kind)
{
	struct request *r = add(p, seed, kind);
	const char *body = soak_pattern(r->token);
	size_t n = r->size < 100 * 1024 ? r->size : 100 * 1024;
	char length[64];

	if (soak_dice(seed, 2) == 0) {
		(void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", n);
		put_head(p, r, "POST", length);
		put(p, body, n);
		return;
	}
	put_head(p, r, "POST", "Transfer-Encoding: chunked\r\n");
	for (size_t at = 0, size; at < n; at += size) {
		size = 1 + (size_t)soak_dice(seed, 16384);
		size = n - at < size ? n - at : size;
		put_text(p, "%zx\r\n", size);
		put(p, body + at, size);
		put(p, "\r\n", 2);
	}
	put(p, "0\r\n\r\n", 5);
}

static void add_good(struct plan *p, uint64_t *seed)
{
	static const char kinds[] = "ggggggccceeeik";
	char kind = kinds[soak_dice(seed, sizeof(kinds) - 1)];

	if (kind == 'e')
		add_post(p, seed, kind);
	else
		add_get(p, seed, kind);
}

static void add_long(struct plan *p, unsigned status)
{
	put_text(p, "GET /BAD%s", status == 431 ? " HTTP/1.1\r\nHost: a\r\nX: " : "");
	memset(p->bytes + p->n, 'x', 20000);
	p->n += 20000;
	put_text(p, "%s\r\n\r\n", status == 431 ? "" : " HTTP/1.1\r\nHost: a");
}

static void add_refused(struct plan *p, uint64_t *seed)
{
	enum { TABLE = sizeof(refused) / sizeof(refused[0]) };
	size_t i = (size_t)soak_dice(seed, TABLE + 2);
	struct request *r = add(p, seed, 'B');

	if (i >= TABLE) {
		r->status = i == TABLE ? 431 : 414;
		add_long(p, r->status);
		return;
	}
	r->status = refused[i].status;
	put(p, refused[i].text, refused[i].n > 0 ? refused[i].n : strlen(refused[i].text));
}

static void add_bad_chunks(struct plan *p, uint64_t *seed)
{
	enum { TABLE = sizeof(bad_chunks) / sizeof(bad_chunks[0]) };
	struct request *r = add(p, seed, 'b');
	const char *bytes = bad_chunks[soak_dice(seed, TABLE)];

	r->status = 400;
	put_head(p, r, "POST", "Transfer-Encoding: chunked\r\n");
	put(p, bytes, strlen(bytes));
}

/* Some clients send or read in small pieces, pause, or leave in the middle. */
static void make_human(struct plan *p, uint64_t *seed)
{
	uint64_t die = soak_dice(seed, 1000);

	if (die < 60)
		p->piece = 1 + (size_t)soak_dice(seed, die < 10 ? 16 : 2000);
	if (p->n / p->piece > 40)
		p->piece = p->n / 40;
	if (die >= 990)
		p->nap_ms = (uint32_t)soak_dice(seed, 100);
	p->keeps = soak_dice(seed, 10) > 0;
	p->resets = soak_dice(seed, 2) == 0;
	if (die >= 100 && die < 160) {
		p->stop_sending = (size_t)soak_dice(seed, p->n);
		p->leaves = true;
	} else if (die >= 160 && die < 220) {
		p->stop_reading = 1 + (size_t)soak_dice(seed, 20000);
	} else if (die >= 220 && die < 223) {
		p->stop_sending = (size_t)soak_dice(seed, p->n); /* and never goes on */
	}
}

void plan_make(struct plan *p, uint64_t *seed)
{
	static const char troubles[] = "rrttddxxyyaas";
	uint64_t die = soak_dice(seed, 1000), count = soak_dice(seed, PLAN_REQUESTS - 1);
	char *bytes = p->bytes;

	*p = (struct plan){ .bytes = bytes, .piece = NO_LIMIT };
	p->stop_sending = p->stop_reading = NO_LIMIT;
	for (uint64_t i = 0; i < count && p->n + 300 * 1024 < PLAN_BYTES; i++)
		add_good(p, seed);
	if (die < 100)
		add_refused(p, seed);
	else if (die < 130)
		add_bad_chunks(p, seed);
	else if (die < 132)
		add_get(p, seed, 'h');
	else if (die < 150)
		add_get(p, seed, 'u');
	else if (die < 180)
		add_post(p, seed, troubles[soak_dice(seed, sizeof(troubles) - 1)]);
	else if (die < 230)
		add_get(p, seed, troubles[soak_dice(seed, sizeof(troubles) - 1)]);
	else
		add_good(p, seed);
	make_human(p, seed);
}
