#include "admin/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/status.h"
#include "net/sock.h"

enum { ANSWER_MS = 60000 }; /* until the whole answer must have been taken */

void session_destroy(struct session *s)
{
	timer_stop(&s->timer);
	stream_close(&s->stream);
	list_remove(&s->node);
	s->admin->sessions_n--;
	s->admin->unread -= s->out_charged;
	free(s->out_body);
	free(s);
}

bool session_is_idle(const struct session *s)
{
	return s->state == SESSION_LINGER || s->state == SESSION_HEAD;
}

/* ---- answers ---- */

static const struct str own_headers =
	STR_INIT("Content-Type: application/json\r\nCache-Control: no-store\r\n"
		 "X-Content-Type-Options: nosniff\r\n");

static void start_answer(struct session *s, uint16_t status, struct str headers)
{
	struct str words = status_reason(status);
	char date[29];
	status_date(date, (int64_t)s->admin->loop->unix_now);
	int n = snprintf(s->out_head, sizeof(s->out_head),
			 "HTTP/1.1 %u %.*s\r\nDate: %.29s\r\n%.*sContent-Length: %zu\r\n%s\r\n",
			 status, (int)words.n, words.p, date, (int)headers.n, headers.p,
			 s->out_body_n,
			 s->keep ? s->head.minor == 0 ? "Connection: keep-alive\r\n" : ""
				 : "Connection: close\r\n");
	s->out_head_n = n > 0 && (size_t)n < sizeof(s->out_head) ? (size_t)n : 0;
	s->out_sent = 0;
	s->state = SESSION_ANSWER;
	s->answer_until_ms = loop_now_ms(s->admin->loop) + ANSWER_MS;
	stream_watch_read(&s->stream, false);
	timer_start(&s->timer, s->admin->progress);
}

/* Our own refusals, before or without Lua. The reason is a constant without quotes. */
static void refuse(struct session *s, uint16_t status, const char *reason)
{
	int n = asprintf(&s->out_body, "{\"error\":\"%s\",\"status\":%u}\n", reason, status);

	if (n < 0)
		s->out_body = NULL;
	s->out_body_n = n < 0 ? 0 : (size_t)n;
	s->keep = false;
	start_answer(s, status, own_headers);
}

static void wait_for_reload(struct session *s)
{
	s->state = SESSION_RELOAD;
	stream_watch_read(&s->stream, false);
	timer_start(&s->timer, s->admin->reload);
	if (!s->admin->ask_reload(s->admin->ctx))
		refuse(s, 503, "the master does not hear");
}

static void answer(struct session *s)
{
	struct admin *a = s->admin;
	struct vm_question q = {
		.head = &s->head,
		.base = s->in,
		.body = { s->in + s->head.bytes, s->body_n },
		.peer = &s->peer,
		.is_draining = a->is_draining,
	};
	struct vm_answer answer;
	struct error e;
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];

	if (a->unread > ADMIN_UNREAD_MAX) {
		refuse(s, 503, "too much of what was asked for is still unread");
		return;
	}
	if (vm_answer(a->vm, &q, &answer, &e) != ERR_OK) {
		if (log_may(&a->failing, loop_now_ms(a->loop), &skipped))
			log_error("admin: %s%s", e.text, log_left_out(more, skipped));
		refuse(s, 500, "this failed, and the log says why");
		return;
	}
	s->keep = s->keep && h1_keeps_alive(&s->head);
	if (answer.status == VM_ANSWER_RELOAD) {
		free(answer.body);
		wait_for_reload(s);
		return;
	}
	s->out_body = answer.body;
	s->out_body_n = s->out_charged = answer.body_n;
	a->unread += s->out_charged;
	start_answer(s, answer.status, (struct str){ answer.headers, answer.headers_n });
	if (s->head.method_id == METHOD_HEAD)
		s->out_body_n = 0;
}

/* ---- requests ---- */

static void begin_request(struct session *s)
{
	h1_head_init(&s->head, false, s->fields, &s->admin->limits);
	s->state = SESSION_HEAD;
	s->is_first_byte_in = false;
	s->keep = true;
	s->body_n = 0;
	timer_start(&s->timer, s->admin->idle);
	stream_watch_read(&s->stream, true);
}

static void begin_body(struct session *s)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec iov = { (void *)go_on, sizeof(go_on) - 1 };

	h1_body_init(&s->body, &s->head);
	s->state = SESSION_BODY;
	if (s->head.framing == FRAMING_LENGTH && s->head.length > ADMIN_BODY_MAX) {
		refuse(s, 413, "the body is longer than 64 KiB");
		return;
	}
	if ((s->head.flags & HTTP_EXPECT_CONTINUE) != 0 && !s->body.done)
		(void)stream_writev(&s->stream, &iov, 1); /* it waits for this only a moment */
}

/* true: go on at once. */
static bool read_head(struct session *s)
{
	size_t skip = s->head.at == 0 ? h1_skip_empty_line(s->in, s->n) : 0;

	s->n -= skip;
	memmove(s->in, s->in + skip, s->n);
	if (s->n == 0)
		return false;
	if (!s->is_first_byte_in)
		timer_start(&s->timer, s->admin->request);
	s->is_first_byte_in = true;
	switch (h1_head_parse(&s->head, s->in, s->n)) {
	case H1_MORE:
		return false;
	case H1_BAD:
		refuse(s, s->head.refusal.status, s->head.refusal.reason);
		break;
	case H1_DONE:
		begin_body(s);
		break;
	}
	return true;
}

static bool read_body(struct session *s)
{
	size_t at = s->head.bytes + s->body_n, used, kept;

	if (h1_body_decode(&s->body, s->in + at, s->n - at, &used, &kept) != BODY_OK) {
		refuse(s, 400, "the body's chunked coding is wrong");
		return true;
	}
	memmove(s->in + at + kept, s->in + at + used, s->n - at - used);
	s->n -= used - kept;
	s->body_n += kept;
	if (s->body_n > ADMIN_BODY_MAX)
		refuse(s, 413, "the body is longer than 64 KiB");
	else if (s->body.done)
		answer(s);
	else
		return false;
	return true;
}

static void linger(struct session *s)
{
	s->state = SESSION_LINGER;
	stream_shutdown_write(&s->stream);
	stream_watch_write(&s->stream, false);
	stream_watch_read(&s->stream, true);
	timer_start(&s->timer, s->admin->linger);
}

static void end_answer(struct session *s)
{
	size_t whole = s->head.bytes + s->body_n;

	s->has_answered = true;
	s->admin->unread -= s->out_charged;
	free(s->out_body);
	s->out_body = NULL;
	s->out_body_n = s->out_charged = 0;
	if (!s->keep) {
		linger(s);
		return;
	}
	stream_watch_write(&s->stream, false);
	memmove(s->in, s->in + whole, s->n - whole);
	s->n -= whole;
	begin_request(s);
}

/* true: go on at once; false with *is_over: the client is gone. */
static bool write_answer(struct session *s, bool *is_over)
{
	size_t total = s->out_head_n + s->out_body_n;
	size_t head_sent = s->out_sent < s->out_head_n ? s->out_sent : s->out_head_n;
	size_t body_sent = s->out_sent - head_sent;
	struct iovec iov[2] = {
		{ s->out_head + head_sent, s->out_head_n - head_sent },
		{ s->out_body_n > 0 ? s->out_body + body_sent : s->out_head,
		  s->out_body_n - body_sent },
	};
	ssize_t n = stream_writev(&s->stream, iov, 2);

	if (n == IO_AGAIN) {
		stream_watch_write(&s->stream, true);
		return false;
	}
	if (n <= 0 || loop_now_ms(s->admin->loop) > s->answer_until_ms) {
		*is_over = true;
		return false;
	}
	s->out_sent += (size_t)n;
	timer_start(&s->timer, s->admin->progress);
	if (s->out_sent == total)
		end_answer(s);
	return true;
}

static void step(struct session *s)
{
	bool is_over = false;
	bool goes_on = true;

	while (goes_on) {
		switch (s->state) {
		case SESSION_HEAD:
			goes_on = read_head(s);
			break;
		case SESSION_BODY:
			goes_on = read_body(s);
			break;
		case SESSION_ANSWER:
			goes_on = write_answer(s, &is_over);
			break;
		case SESSION_RELOAD:
		case SESSION_LINGER:
			goes_on = false;
			break;
		}
	}
	if (is_over)
		session_destroy(s);
}

/* What comes after the last answer is of no interest. */
static void read_away(struct session *s)
{
	ssize_t n = stream_read(&s->stream, s->in, sizeof(s->in));

	if (n == IO_EOF || n == IO_ERROR)
		session_destroy(s);
}

static void on_ready(struct stream *stream, int events)
{
	struct session *s = container_of(stream, struct session, stream);

	(void)events; /* one direction is watched at a time */
	if (s->state == SESSION_LINGER) {
		read_away(s);
		return;
	}
	if (s->state != SESSION_ANSWER) {
		ssize_t n = stream_read(&s->stream, s->in + s->n, sizeof(s->in) - s->n);
		if (n == IO_AGAIN)
			return;
		if (n <= 0) {
			session_destroy(s);
			return;
		}
		s->n += (size_t)n;
	}
	step(s);
}

static void on_due(struct timer *t)
{
	struct session *s = container_of(t, struct session, timer);
	if (s->state == SESSION_RELOAD) {
		refuse(s, 504,
		       "no word of the reload in a minute; /status tells what became of it");
		step(s);
		return;
	}
	bool is_slow = s->state == SESSION_BODY ||
		       (s->state == SESSION_HEAD && s->is_first_byte_in);

	if (!is_slow) {
		session_destroy(s);
		return;
	}
	refuse(s, 408, "the request did not come in time");
	step(s);
}

/* A text inside of JSON. */
static char *quoted(const char *text)
{
	char *copy = malloc(6 * strlen(text) + 1), *to = copy;

	for (; copy != NULL && *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20 || c == '"' || c == '\\')
			to += snprintf(to, 7, "\\u%04x", c);
		else
			*to++ = (char)c;
	}
	if (copy != NULL)
		*to = '\0';
	return copy;
}

void session_tell_reload(struct session *s, bool is_ok, const char *text)
{
	if (s->state != SESSION_RELOAD)
		return;
	char *why = quoted(text);
	int n = why == NULL ? -1
			    : asprintf(&s->out_body,
				       is_ok ? "{\"status\":\"reloaded\",\"generation\":%s}\n"
					     : "{\"error\":\"%s\",\"status\":422}\n",
				       why);
	free(why);
	if (n < 0)
		s->out_body = NULL;
	s->out_body_n = n < 0 ? 0 : (size_t)n;
	s->keep = s->keep && !is_ok; /* another agent serves the next request */
	start_answer(s, is_ok ? 200 : 422, own_headers);
	step(s);
}

void session_retire(struct session *s)
{
	s->keep = false;
	if (s->state != SESSION_HEAD || s->n > 0)
		return;
	/* Whoever has just come, or has asked already, gets an answer. */
	if (s->has_answered && !sock_has_input(s->stream.fd))
		session_destroy(s);
	else
		timer_start(&s->timer, s->admin->linger);
}

void session_create(struct admin *a, int fd, const struct peer *peer)
{
	struct session *s = malloc(sizeof(*s)); /* large, and not touched before it is used */

	if (s == NULL) {
		(void)close(fd); /* nothing was read */
		return;
	}
	memset(s, 0, offsetof(struct session, in));
	s->admin = a;
	s->peer = *peer;
	stream_open(&s->stream, a->loop, fd, on_ready);
	timer_init(&s->timer, on_due);
	list_append(&a->sessions, &s->node);
	a->sessions_n++;
	begin_request(s);
}
