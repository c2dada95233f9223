#include "exchange_client.h"

#include <stdio.h>
#include <stdlib.h>

static struct recorder *of_client(const struct client *c)
{
	return container_of(c, struct recorder, client);
}

static void note(struct recorder *r, const char *name)
{
	size_t n = strlen(r->calls);
	(void)snprintf(r->calls + n, sizeof(r->calls) - n, "%s ", name);
}

/* ---- bytes ---- */

/* As much of the n bytes at p as it takes. */
static size_t take(struct recorder *r, const char *p, size_t n)
{
	size_t left = RECORDER_BYTES - r->got_n;
	if (n > r->room)
		n = r->room;
	if (!check(n <= left, "there is room for what a test sends"))
		n = left;
	if (n == 0)
		return 0; /* p may be NULL */
	memcpy(r->got + r->got_n, p, n);
	r->got_n += n;
	r->room -= n;
	return n;
}

static void keep(struct recorder *r, struct str text)
{
	if (!check(text.n <= sizeof(r->kept) - r->kept_n, "heads are small"))
		return;
	memcpy(r->kept + r->kept_n, text.p, text.n);
	r->kept_n += text.n;
}

static void take_kept(struct recorder *r)
{
	size_t n = take(r, r->kept, r->kept_n);
	memmove(r->kept, r->kept + n, r->kept_n - n);
	r->kept_n -= n;
}

static void take_body(struct recorder *r, struct client_body *b)
{
	size_t n = 0;
	if (r->kept_n > 0)
		return;
	if (b->buf != NULL && buf_len(b->buf) > 0) {
		n = take(r, buf_head(b->buf), buf_len(b->buf));
		buf_consume(b->buf, n);
		b->sent += n;
	}
	n = take(r, b->text, b->text_n);
	b->text += n;
	b->text_n -= (uint32_t)n;
	b->sent += n;
}

static bool has_all(const struct recorder *r, const struct client_body *b)
{
	return r->kept_n == 0 && b->text_n == 0 && (b->buf == NULL || buf_len(b->buf) == 0);
}

static enum client_sent send_out(struct recorder *r, struct str head, struct client_body *b)
{
	if (r->is_gone)
		return CLIENT_GONE;
	keep(r, head);
	take_kept(r);
	take_body(r, b);
	return has_all(r, b) ? CLIENT_TOOK_ALL : CLIENT_BLOCKED;
}

/* ---- the row ---- */

static enum client_sent rec_interim(struct client *c, struct str head)
{
	struct client_body none = { .text = "" };
	note(of_client(c), "interim");
	return send_out(of_client(c), head, &none);
}

static enum client_sent rec_answer(struct client *c, struct str head, struct client_body *b)
{
	note(of_client(c), "answer");
	return send_out(of_client(c), head, b);
}

static enum client_sent rec_reply(struct client *c, struct str head, struct str text)
{
	struct recorder *r = of_client(c);
	struct client_body none = { .text = "" };
	note(r, "reply");
	keep(r, head);
	return send_out(r, text, &none);
}

static enum client_sent rec_body(struct client *c, struct client_body *b)
{
	note(of_client(c), "body");
	return send_out(of_client(c), (struct str){ "", 0 }, b);
}

static bool rec_can_drain(const struct client *c)
{
	(void)c;
	return false;
}

static bool rec_is_blocked(const struct client *c)
{
	return of_client(c)->room == 0;
}

static void rec_end_answer(struct client *c)
{
	note(of_client(c), "end_answer");
}

static void rec_want(struct client *c, bool more)
{
	of_client(c)->wants += more;
}

static bool rec_is_wanted(const struct client *c)
{
	return container_of(c, struct recorder, client)->is_read;
}

static void rec_watch_end(struct client *c)
{
	note(of_client(c), "watch_end");
}

static void rec_local(const struct client *c, struct peer *to)
{
	*to = of_client(c)->peer;
}

static bool rec_tls(const struct client *c, struct tls_facts *to)
{
	(void)c;
	(void)to;
	return false;
}

static struct stream *rec_steal(struct client *c, struct str head, struct outbox **unsent)
{
	(void)head;
	note(of_client(c), "steal");
	*unsent = NULL;
	return NULL;
}

static void rec_done(struct client *c)
{
	note(of_client(c), "done");
	of_client(c)->is_done = true;
}

static const struct client_ops recorder_ops = {
	.interim = rec_interim,
	.answer = rec_answer,
	.reply = rec_reply,
	.body = rec_body,
	.can_drain = rec_can_drain,
	.is_blocked = rec_is_blocked,
	.end_answer = rec_end_answer,
	.want = rec_want,
	.is_wanted = rec_is_wanted,
	.watch_end = rec_watch_end,
	.local = rec_local,
	.tls = rec_tls,
	.steal = rec_steal,
	.done = rec_done,
};

/* ---- what the client does ---- */

void recorder_open(struct recorder *r, struct stage *s, const char *head)
{
	struct exchange_origin origin = { &s->plane, stage_service(s), &r->client,
					  &r->block, &r->peer,	       r->fields };
	*r = (struct recorder){ .client = { .ops = &recorder_ops, .keep = true },
				.peer = { .family = AF_INET, .ip = { 127, 0, 0, 1 }, .port = 7 },
				.room = SIZE_MAX };
	r->got = malloc(RECORDER_BYTES);
	buf_init(&r->block, &s->heads);
	check(r->got != NULL && buf_append(&r->block, head, strlen(head)), "memory");
	exchange_init(&r->ex, &origin);
}

void recorder_start(struct recorder *r, bool is_whole)
{
	struct http_head *head = &r->ex.rq.head;
	size_t n = buf_len(&r->block);
	enum h1_result parsed = h1_head_parse(head, buf_head(&r->block), n);
	if (parsed != H1_DONE) {
		exchange_refuse(&r->ex);
		return;
	}
	r->ex.body.is_complete = is_whole;
	r->ex.body.payload = n - head->bytes;
	body_begin(&r->ex.body, head->bytes, (uint32_t)(n - head->bytes));
	exchange_start(&r->ex, NULL);
}

size_t recorder_send(struct recorder *r, const char *bytes, size_t n, bool is_last)
{
	struct body *body = &r->ex.body;
	size_t room = exchange_body_room(&r->ex);
	bool is_all = n <= room;
	if (!is_all)
		n = room;
	if (n == 0)
		return 0;
	memcpy(buf_tail(&body->buf), bytes, n);
	buf_added(&body->buf, n);
	body->payload += n;
	body->is_complete = is_last && is_all;
	exchange_body_came(&r->ex, NULL);
	exchange_settle(&r->ex);
	return n;
}

void recorder_take(struct recorder *r, size_t n)
{
	r->room += n;
	exchange_writable(&r->ex);
	exchange_settle(&r->ex);
}

void recorder_check(struct recorder *r, const char *calls, const char *what)
{
	if (!check(strcmp(r->calls, calls) == 0, what))
		printf("  calls: %s\n", r->calls);
	r->calls[0] = '\0';
}

bool recorder_begins(const struct recorder *r, const char *text)
{
	size_t n = strlen(text);
	return r->got_n >= n && memcmp(r->got, text, n) == 0;
}

bool recorder_ends(const struct recorder *r, const char *text)
{
	size_t n = strlen(text);
	return r->got_n >= n && memcmp(r->got + r->got_n - n, text, n) == 0;
}

void recorder_close(struct recorder *r)
{
	if (!check(r->is_done, "the exchange has ended"))
		exchange_cut(&r->ex, "the test is over");
	buf_drop(&r->ex.body.buf);
	buf_drop(&r->block);
	free(r->got);
}
