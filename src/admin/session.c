#include "admin/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/h1_framing.h"
#include "http/status.h"
#include "net/stream_open.h"

enum {
	ANSWER_MS = 60000, /* until the whole answer must have been taken */
	LATELY_MS = 1000,
};

void session_destroy(struct session *s)
{
	timer_stop(&s->timer);
	stream_close(&s->stream);
	list_remove(&s->node);
	list_remove(&s->guess);
	s->admin->sessions_n--;
	s->admin->unread -= s->out_charged;
	free(s->out_body);
	free(s);
}

enum session_worth session_worth(const struct session *s)
{
	switch (s->state) {
	case SESSION_IDLE:
	case SESSION_LINGER:
		return WORTH_NOTHING;
	case SESSION_HEAD:
	case SESSION_BODY:
		return WORTH_INCOMPLETE;
	case SESSION_ANSWER:
		return stream_watches_write(&s->stream) ? WORTH_STALLED : WORTH_NEEDED;
	case SESSION_WAIT:
		return WORTH_WAITING;
	case SESSION_TURN:
		return s->has_answered ? WORTH_AGAIN : WORTH_NEEDED;
	case SESSION_RELOAD:
		break;
	}
	return WORTH_NEEDED;
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
			 s->keep ? s->request.head.minor == 0 ? "Connection: keep-alive\r\n" : ""
				 : "Connection: close\r\n");
	s->out_head_n = n > 0 && (size_t)n < sizeof(s->out_head) ? (size_t)n : 0;
	s->out_sent = 0;
	s->state = SESSION_ANSWER;
	s->answer_until_ms = loop_now_ms(s->admin->loop) + ANSWER_MS;
	stream_watch_read(&s->stream, false);
	timer_start(&s->timer, s->admin->progress);
}

/* A refusal that Lua has no part in. The reason is a constant without quotes. */
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

/* Answers that others do not take must not stand in the way of this one. */
static bool make_room_for_answer(struct admin *a)
{
	for (struct list *node = a->sessions.next, *next;
	     a->unread > ADMIN_UNREAD_MAX && node != &a->sessions; node = next) {
		struct session *s = container_of(node, struct session, node);
		next = node->next;
		if (session_worth(s) == WORTH_STALLED)
			session_destroy(s);
	}
	return a->unread <= ADMIN_UNREAD_MAX;
}

static void wait_for_guess(struct session *s)
{
	struct admin *a = s->admin;

	s->state = SESSION_WAIT;
	list_append(&a->guesses, &s->guess);
	if (!timer_runs(&a->guess))
		timer_start(&a->guess, a->pace);
}

/* Takes over the body. */
static void give_answer(struct session *s, const struct vm_answer *answer)
{
	s->out_body = answer->body;
	s->out_body_n = s->out_charged = answer->body_n;
	s->admin->unread += s->out_charged;
	start_answer(s, answer->status, (struct str){ answer->headers, answer->headers_n });
	if (s->request.head.method_id == METHOD_HEAD)
		s->out_body_n = 0;
}

/* false: our Lua erred, which is told to the log. */
static bool ask_lua(struct session *s, struct vm_answer *answer)
{
	struct admin *a = s->admin;
	struct vm_question q = {
		.head = &s->request.head,
		.base = s->in,
		.body = h1_reader_payload(&s->request, s->in),
		.peer = &s->peer,
		.is_draining = a->is_draining,
		.has_waited = s->has_waited,
	};
	struct error e;
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];

	if (vm_answer(a->vm, &q, answer, &e) == ERR_OK)
		return true;
	if (log_may(&a->failing, loop_now_ms(a->loop), &skipped))
		log_error("admin: %s%s", e.text, log_left_out(more, skipped));
	return false;
}

static void make_answer(struct session *s)
{
	struct vm_answer answer;

	if (!make_room_for_answer(s->admin)) {
		refuse(s, 503, "too much of what was asked for is still unread");
		return;
	}
	if (!ask_lua(s, &answer)) {
		refuse(s, 500, "this failed, and the log says why");
		return;
	}
	if (answer.status == VM_ANSWER_LATER) {
		free(answer.body);
		wait_for_guess(s);
		return;
	}
	s->keep = s->keep && h1_keeps_alive(&s->request.head);
	if (answer.status == VM_ANSWER_RELOAD) {
		free(answer.body);
		wait_for_reload(s);
		return;
	}
	give_answer(s, &answer);
}

/* ---- requests ---- */

static const char too_long[] = "the body is longer than 64 KiB";

static void begin_request(struct session *s)
{
	h1_reader_init_request(&s->request, s->fields, &s->admin->bounds);
	s->state = SESSION_IDLE;
	s->has_waited = false;
	s->keep = true;
	timer_start(&s->timer, s->admin->idle);
	stream_watch_read(&s->stream, true);
}

/* Each turn of the loop makes one answer, so that the agent's other work goes on between two. */
static void wait_turn(struct session *s)
{
	int64_t now_ms = loop_now_ms(s->admin->loop);

	if (now_ms - s->asked_ms > LATELY_MS)
		s->spent_ns = 0;
	s->asked_ms = now_ms;
	s->state = SESSION_TURN;
	timer_stop(&s->timer);
	stream_watch_read(&s->stream, false);
	loop_yield(s->admin->loop, &s->admin->turn);
}

static void begin_body(struct session *s)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec iov = { (void *)go_on, sizeof(go_on) - 1 };
	const struct http_head *head = &s->request.head;

	s->state = SESSION_BODY;
	if (head->framing == FRAMING_LENGTH && head->length > ADMIN_BODY_MAX)
		refuse(s, 413, too_long);
	else if ((head->flags & HTTP_EXPECT_CONTINUE) != 0 && !s->request.body.done)
		(void)stream_writev(&s->stream, &iov, 1,
				    0); /* the client goes on without it, too */
}

/* From the first byte on, the whole request has one deadline. */
static void note_first_byte(struct session *s)
{
	if (s->n == 0 || s->state != SESSION_IDLE)
		return;
	timer_start(&s->timer, s->admin->request);
	s->state = SESSION_HEAD;
}

/* true: go on at once. */
static bool read_request(struct session *s)
{
	enum h1_reader_result result = h1_reader_read(&s->request, s->in, &s->n);
	const struct http_refusal *refusal = &s->request.head.refusal;

	note_first_byte(s);
	switch (result) {
	case READER_MORE:
		return false;
	case READER_HEAD:
		begin_body(s);
		break;
	case READER_DONE:
		wait_turn(s);
		break;
	case READER_BAD_HEAD:
		refuse(s, refusal->status, refusal->reason);
		break;
	case READER_BAD_BODY:
		refuse(s, 400, "the body's chunked coding is wrong");
		break;
	case READER_LONG:
		refuse(s, 413, too_long);
		break;
	}
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
	size_t whole = h1_reader_bytes(&s->request);

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
	ssize_t n = stream_writev(&s->stream, iov, 2, 0);

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
		case SESSION_IDLE:
		case SESSION_HEAD:
		case SESSION_BODY:
			goes_on = read_request(s);
			break;
		case SESSION_ANSWER:
			goes_on = write_answer(s, &is_over);
			break;
		case SESSION_TURN:
		case SESSION_WAIT:
		case SESSION_RELOAD:
		case SESSION_LINGER:
			goes_on = false;
			break;
		}
	}
	if (is_over)
		session_destroy(s);
}

void session_go_on(struct session *s)
{
	int64_t began_ns = clock_now_ns();

	s->has_waited = s->state == SESSION_WAIT;
	make_answer(s);
	s->spent_ns += clock_now_ns() - began_ns;
	step(s);
}

/* After the last answer the client may still send: nobody looks at it. */
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
	if (s->state != SESSION_HEAD && s->state != SESSION_BODY) {
		session_destroy(s);
		return;
	}
	refuse(s, 408, "the request did not come in time");
	step(s);
}

/* The text as it stands between quotes in JSON; the caller frees it. NULL: no memory. */
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
	if ((s->state != SESSION_IDLE && s->state != SESSION_HEAD) || s->n > 0)
		return;
	/* A new client gets an answer, and so does one whose next request has come. */
	if (s->has_answered && !stream_has_input(&s->stream))
		session_destroy(s);
	else
		timer_start(&s->timer, s->admin->linger);
}

static void on_open(struct stream *stream, bool is_open)
{
	struct session *s = container_of(stream, struct session, stream);

	if (is_open)
		begin_request(s);
	else
		session_destroy(s);
}

static const struct stream_owner owner = { .on_ready = on_ready, .on_open = on_open };

void session_create(struct admin *a, int fd, const struct peer *peer)
{
	struct session *s = malloc(sizeof(*s)); /* not calloc: its buffer is large */

	if (s == NULL) {
		(void)close(fd); /* there is nothing to lose: nothing was read */
		return;
	}
	memset(s, 0, offsetof(struct session, in));
	s->admin = a;
	s->peer = *peer;
	timer_init(&s->timer, on_due);
	list_init(&s->guess);
	list_append(&a->sessions, &s->node);
	a->sessions_n++;
	enum stream_opened opened = stream_accept(&s->stream, a->loop, fd, NULL, &owner);
	if (opened != STREAM_OPENING)
		on_open(&s->stream, opened == STREAM_OPEN);
}
