/* Answers that neap makes itself: only the client's row is needed for them. */
#include "exchange_client.h"

#define GOOD_HEAD "GET /own HTTP/1.1\r\nHost: x\r\n\r\n"
#define BAD_HEAD  "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"

static void test_refused(struct stage *s)
{
	struct recorder r;

	check_case("a head that is refused");
	recorder_open(&r, s, BAD_HEAD);
	recorder_start(&r, true);
	recorder_check(&r, "reply done ", "is one reply");
	check(recorder_begins(&r, "HTTP/1.1 400 Bad Request\r\n"), "its head");
	check(recorder_ends(&r, "\n"), "and its text");
	check(!r.client.keep && r.ex.rq.status == 400, "after which the connection ends");
	recorder_close(&r);
}

static void test_own(struct stage *s)
{
	struct recorder r;

	check_case("an answer of the policy");
	recorder_open(&r, s, GOOD_HEAD);
	recorder_start(&r, true);
	recorder_check(&r, "answer done ", "is head and body at once");
	check(recorder_begins(&r, "HTTP/1.1 200 OK\r\n") && recorder_ends(&r, "\r\n\r\nmine"),
	      "both came");
	check(r.client.keep && r.ex.rq.end == REQUEST_WELL && r.ex.rq.bytes == 4, "and count");
	recorder_close(&r);
}

/* However the client takes it, it gets the same bytes. */
static void test_slow(struct stage *s, const char *head, const char *first)
{
	struct recorder whole, r;

	recorder_open(&whole, s, head);
	recorder_start(&whole, true);
	recorder_open(&r, s, head);
	r.room = 0;
	recorder_start(&r, true);
	recorder_check(&r, first, "nothing goes out");
	for (unsigned i = 0; i < RECORDER_BYTES && !r.is_done; i++)
		recorder_take(&r, 1);
	check(r.got_n == whole.got_n && memcmp(r.got, whole.got, r.got_n) == 0,
	      "byte by byte it is the same answer");
	check(r.ex.rq.end == REQUEST_WELL, "which ended well");
	r.calls[0] = '\0';
	recorder_close(&r);
	recorder_close(&whole);
}

static void test_gone(struct stage *s)
{
	struct recorder r;

	check_case("a client that is gone");
	recorder_open(&r, s, GOOD_HEAD);
	r.is_gone = true;
	recorder_start(&r, true);
	recorder_check(&r, "answer done ", "ends its exchange");
	check(r.ex.rq.end == REQUEST_CLIENT_LEFT, "and that is known");
	recorder_close(&r);

	recorder_open(&r, s, GOOD_HEAD);
	r.room = 5;
	recorder_start(&r, true);
	r.is_gone = true;
	recorder_take(&r, 5);
	recorder_check(&r, "answer body done ", "so does one that goes in between");
	check(r.ex.rq.end == REQUEST_CLIENT_LEFT && r.got_n == 5, "after its first bytes");
	recorder_close(&r);
}

static void test_cut(struct stage *s)
{
	struct recorder r;

	check_case("a connection that we close");
	recorder_open(&r, s, GOOD_HEAD);
	r.room = 5;
	recorder_start(&r, true);
	exchange_cut(&r.ex, "cut");
	recorder_check(&r, "answer done ", "ends its exchange");
	check(r.ex.rq.end == REQUEST_CUT_BROKEN && strcmp(r.ex.rq.reason, "cut") == 0,
	      "with an answer that is not whole");
	recorder_close(&r);
}

void exchange_answer_tests(struct stage *s)
{
	test_refused(s);
	test_own(s);
	check_case("a blocked client and a refusal");
	test_slow(s, BAD_HEAD, "reply ");
	check_case("a blocked client and an answer of the policy");
	test_slow(s, GOOD_HEAD, "answer ");
	test_gone(s);
	test_cut(s);
}
