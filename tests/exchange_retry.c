/* What may be sent again: the leg alone says whether its backend took something. */
#include "exchange_client.h"
#include "exchange_leg.h"

#define GET	"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
#define HEAD_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

/* The first backend goes away without an answer, the second has one. */
static void fill(struct memory_leg m[2], enum frame_kind end)
{
	m[0] = (struct memory_leg){ .room = SIZE_MAX, .frames = { { (uint8_t)end, NULL, 0 } } };
	m[1] = (struct memory_leg){
		.room = SIZE_MAX, .frames = { { FRAME_HEAD, HEAD_OK, 0 }, { FRAME_LAST, "ok", 0 } }
	};
}

static void begin(struct recorder *r, struct stage *s, struct memory_leg m[2], const char *head)
{
	stage_forget(s);
	memory_legs(m, 2);
	recorder_open(r, s, head);
	recorder_start(r, true);
	memory_leg_await(s, &m[0]);
	check(memory_leg_tell(&m[0]), "the first one goes away");
}

static void test_again(struct stage *s, const char *head, enum frame_kind end, const char *what)
{
	struct recorder r;
	struct memory_leg m[2];

	fill(m, end);
	begin(&r, s, m, head);
	recorder_check(&r, "", "the client does not notice");
	memory_leg_await(s, &m[1]);
	memory_leg_tell_all(&m[1]);
	recorder_check(&r, "answer done ", what);
	check(r.ex.rq.status == 200 && r.ex.rq.attempts == 2, "in the second attempt");
	check(m[1].got_n == m[0].got_n, "which has all of the request");
	recorder_close(&r);
}

static void test_once(struct stage *s)
{
	struct recorder r;
	struct memory_leg m[2];

	check_case("a POST that a backend may have seen");
	fill(m, FRAME_CLOSE);
	begin(&r, s, m, POST);
	recorder_check(&r, "reply done ", "is answered by us");
	check(r.ex.rq.status == 502 && r.ex.rq.attempts == 1 && m[1].leg == NULL,
	      "after one attempt");
	recorder_close(&r);
}

/* A kept connection that had ended: the same attempt on a fresh one. */
static void test_stale(struct stage *s)
{
	struct recorder r;
	struct memory_leg m[2];

	check_case("a kept connection that had ended");
	for (unsigned i = 0; i < 2; i++) { /* one to each backend */
		fill(m, FRAME_CLOSE);
		memory_legs(&m[1], 1);
		if (i == 0)
			stage_forget(s);
		recorder_open(&r, s, GET);
		recorder_start(&r, true);
		memory_leg_await(s, &m[1]);
		memory_leg_tell_all(&m[1]);
		recorder_close(&r);
	}
	fill(m, FRAME_CLOSE);
	memory_legs(m, 2);
	recorder_open(&r, s, GET);
	recorder_start(&r, true);
	check(m[0].leg != NULL && m[0].uconn->requests == 2, "is taken");
	check(memory_leg_tell(&m[0]), "and is no more");
	memory_leg_await(s, &m[1]);
	memory_leg_tell_all(&m[1]);
	check(r.ex.rq.status == 200 && r.ex.rq.attempts == 1, "a fresh one takes its place");
	recorder_close(&r);
}

void exchange_retry_tests(struct stage *s)
{
	check_case("a GET whose backend goes away");
	test_again(s, GET, FRAME_CLOSE, "another one answers");
	check_case("a POST whose backend took nothing of it");
	test_again(s, POST, FRAME_REFUSE, "another one answers");
	test_once(s);
	test_stale(s);
	stage_forget(s);
}
