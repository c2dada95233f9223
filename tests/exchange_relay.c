/* Answers of a backend, from the leg over memory to the client that records. */
#include "exchange_client.h"
#include "exchange_leg.h"

#define REQUEST	   "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"
#define REQUEST_10 "GET /a?b HTTP/1.0\r\n\r\n"
#define HEAD_OF_6  "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"

enum { LARGE = 40000, LARGE_ALL = 3 * LARGE };

#define HEAD_OF_LARGE "HTTP/1.1 200 OK\r\nContent-Length: 120000\r\n\r\n"

static void begin(struct recorder *r, struct stage *s, struct memory_leg *m, const char *head)
{
	memory_legs(m, 1);
	recorder_open(r, s, head);
	recorder_start(r, true);
	memory_leg_await(s, m);
}

static void test_whole(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX,
				.frames = { { FRAME_HEAD, HEAD_OF_6, 0 },
					    { FRAME_BODY, "abc", 0 },
					    { FRAME_LAST, "def", 0 } } };

	check_case("an answer from a backend");
	begin(&r, s, &m, REQUEST);
	check(memory_leg_begins(&m, "GET /a?b HTTP/1.1\r\n"), "the request is there");
	recorder_check(&r, "", "the client hears nothing");
	check(memory_leg_tell(&m), "its head comes");
	recorder_check(&r, "", "which waits for a moment for the body");
	check(memory_leg_tell(&m), "that begins");
	recorder_check(&r, "answer ", "and goes out with it");
	check(recorder_ends(&r, "\r\n\r\nabc"), "in one");
	check(memory_leg_tell(&m), "its end comes");
	recorder_check(&r, "body done ", "and goes out");
	check(recorder_begins(&r, "HTTP/1.1 200 OK\r\n") && recorder_ends(&r, "abcdef"), "whole");
	check(r.ex.rq.end == REQUEST_WELL && r.ex.rq.bytes == 6 && r.client.keep, "and well");
	recorder_close(&r);
}

static void test_kept(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX,
				.frames = { { FRAME_HEAD, HEAD_OF_6, 0 },
					    { FRAME_LAST, "abcdef", 0 } } };

	check_case("a connection that was kept");
	stage_forget(s);
	begin(&r, s, &m, REQUEST);
	memory_leg_tell_all(&m);
	recorder_close(&r);
	const struct uconn *first = m.uconn;
	for (unsigned i = 0; i < 2; i++) {
		m = (struct memory_leg){ .room = SIZE_MAX,
					 .frames = { { FRAME_HEAD, HEAD_OF_6, 0 },
						     { FRAME_LAST, "abcdef", 0 } } };
		begin(&r, s, &m, REQUEST);
		memory_leg_tell_all(&m);
		recorder_close(&r);
	}
	check(m.uconn == first && m.uconn->requests == 2, "serves again");
	stage_forget(s);
}

static void test_interim(struct stage *s)
{
	static const struct frame frames[] = { { FRAME_HEAD, "HTTP/1.1 103 Early\r\nA: b\r\n\r\n",
						 0 },
					       { FRAME_HEAD, HEAD_OF_6, 0 },
					       { FRAME_LAST, "abcdef", 0 } };
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX };

	check_case("a 1xx");
	memcpy(m.frames, frames, sizeof(frames));
	begin(&r, s, &m, REQUEST);
	memory_leg_tell_all(&m);
	recorder_check(&r, "interim answer done ", "goes before the answer");
	check(recorder_begins(&r, "HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n"),
	      "whole");
	recorder_close(&r);

	m = (struct memory_leg){ .room = SIZE_MAX };
	memcpy(m.frames, frames, sizeof(frames));
	begin(&r, s, &m, REQUEST_10);
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer done ", "but not to HTTP/1.0");
	recorder_close(&r);
}

/* What a 1xx leaves with a client that is blocked goes out before the answer. */
static void test_interim_blocked(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX,
				.frames = { { FRAME_HEAD, "HTTP/1.1 103 Early\r\n\r\n", 0 },
					    { FRAME_NONE, NULL, 0 } } };

	check_case("a 1xx and a blocked client");
	begin(&r, s, &m, REQUEST);
	r.room = 4;
	memory_leg_tell_all(&m);
	recorder_check(&r, "interim ", "is taken in part");
	m.frames[1] = (struct frame){ FRAME_HEAD, HEAD_OF_6, 0 };
	m.frames[2] = (struct frame){ FRAME_LAST, "abcdef", 0 };
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer ", "the answer comes after it");
	recorder_take(&r, SIZE_MAX);
	recorder_check(&r, "body done ", "when there is room");
	check(recorder_begins(&r, "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n") &&
		      recorder_ends(&r, "\r\n\r\nabcdef"),
	      "in its order");
	recorder_close(&r);
}

static void test_blocked(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX,
				.frames = { { FRAME_HEAD, HEAD_OF_LARGE, 0 },
					    { FRAME_BODY, "a", LARGE },
					    { FRAME_BODY, "b", LARGE },
					    { FRAME_LAST, "c", LARGE } } };

	check_case("a blocked client and a large answer");
	begin(&r, s, &m, REQUEST);
	r.room = 1000;
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer body ", "holds up the backend");
	check(m.at == 2 && !m.wants, "who is not read while there is no room");
	recorder_take(&r, LARGE_ALL / 2);
	check(m.wants, "and is read again");
	memory_leg_tell_all(&m);
	recorder_take(&r, LARGE_ALL);
	memory_leg_tell_all(&m);
	check(r.is_done && r.ex.rq.bytes == LARGE_ALL && recorder_ends(&r, "ccc"),
	      "until all is out");
	recorder_close(&r);
}

static void test_gone(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX,
				.frames = { { FRAME_HEAD, HEAD_OF_6, 0 },
					    { FRAME_BODY, "abc", 0 } } };

	check_case("a client that leaves");
	begin(&r, s, &m, REQUEST);
	exchange_client_left(&r.ex, "client left");
	exchange_settle(&r.ex);
	recorder_check(&r, "done ", "before its answer");
	check(r.ex.rq.end == REQUEST_CLIENT_LEFT && m.leg->uconn == NULL, "ends the attempt");
	recorder_close(&r);

	m.at = 0;
	begin(&r, s, &m, REQUEST);
	r.is_gone = true;
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer done ", "in its answer");
	check(r.ex.rq.end == REQUEST_CLIENT_LEFT && m.leg->uconn == NULL, "ends the attempt too");
	recorder_close(&r);
}

static void test_broken(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX,
				.frames = { { FRAME_HEAD, HEAD_OF_6, 0 },
					    { FRAME_BODY, "abc", 0 },
					    { FRAME_CLOSE, NULL, 0 } } };

	check_case("a backend that breaks off");
	begin(&r, s, &m, REQUEST);
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer body done ", "ends the answer");
	check(request_is_broken(&r.ex.rq) && !r.client.keep, "which is not whole");
	recorder_close(&r);
}

void exchange_relay_tests(struct stage *s)
{
	test_whole(s);
	test_kept(s);
	test_interim(s);
	test_interim_blocked(s);
	test_blocked(s);
	test_gone(s);
	test_broken(s);
}
