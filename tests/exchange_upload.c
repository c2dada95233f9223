/* The request's body, from the client that records to the leg over memory. */
#include "exchange_client.h"

#include "exchange/upload.h"
#include "exchange_leg.h"

#define SMALL	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n"
#define LARGE	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
#define CHUNKED "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
#define HEAD_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
#define HEAD_NO "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n"

enum { LARGE_BYTES = 1000000, STEP = 10000 };

static void begin(struct recorder *r, struct stage *s, struct memory_leg *m, const char *head)
{
	memory_legs(m, 1);
	recorder_open(r, s, head);
	recorder_start(r, false);
	check(r->wants > 0, "more of the body is asked for");
	memory_leg_await(s, m);
}

static void test_pieces(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX,
				.frames = { { FRAME_HEAD, HEAD_OK, 0 }, { FRAME_LAST, "ok", 0 } } };

	check_case("a body in pieces");
	begin(&r, s, &m, SMALL);
	size_t head = m.got_n;
	check(recorder_send(&r, "abc", 3, false) == 3 && m.got_n == head + 3, "goes on at once");
	check(recorder_send(&r, "def", 3, true) == 3 && m.got_n == head + 6, "to its end");
	check(r.ex.state == EX_WAIT && memcmp(m.got + head, "abcdef", 6) == 0, "then it is out");
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer done ", "and is answered");
	check(r.client.keep, "its connection goes on");
	recorder_close(&r);
}

/* Sends until there is no room; bytes that were taken. */
static size_t send_all(struct recorder *r, size_t left)
{
	static char bytes[STEP];
	size_t sum = 0, n = 1;
	while (n > 0 && left > 0) {
		n = left < STEP ? left : STEP;
		n = recorder_send(r, bytes, n, n == left);
		sum += n;
		left -= n;
	}
	return sum;
}

static void test_back_pressure(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .frames = { { FRAME_HEAD, HEAD_OK, 0 }, { FRAME_LAST, "ok", 0 } } };

	check_case("a backend that takes nothing");
	begin(&r, s, &m, LARGE);
	size_t sent = send_all(&r, LARGE_BYTES);
	check(sent > 0 && sent < LARGE_BYTES && m.got_n == 0, "holds up the client");
	check(exchange_body_room(&r.ex) == 0, "who finds no room");
	unsigned wants = r.wants;
	memory_leg_take(&m, 1000);
	check(r.wants == wants && m.got_n == 1000, "a little of it changes nothing");
	memory_leg_take(&m, SIZE_MAX / 2);
	check(r.wants > wants && m.got_n > sent, "when all is taken more is asked for");
	sent += send_all(&r, LARGE_BYTES - sent);
	check(sent == LARGE_BYTES && m.got_n > LARGE_BYTES && r.ex.state == EX_WAIT, "to its end");
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer done ", "and is answered");
	recorder_close(&r);
}

static void test_fault(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX };

	check_case("a malformed body");
	begin(&r, s, &m, CHUNKED);
	check(exchange_body_room(&r.ex) > 0, "room");
	exchange_body_came(&r.ex, "malformed chunk");
	exchange_settle(&r.ex);
	recorder_check(&r, "reply done ", "is refused");
	check(recorder_begins(&r, "HTTP/1.1 400 ") && !r.client.keep, "and ends the connection");
	check(m.leg->uconn == NULL, "and the attempt");
	recorder_close(&r);
}

/* An answer before the request's end: the rest of the body may still go to the backend. */
static void test_early(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = SIZE_MAX,
				.frames = { { FRAME_HEAD, HEAD_OK, 0 }, { FRAME_LAST, "ok", 0 } } };

	check_case("an answer before the body's end");
	begin(&r, s, &m, SMALL);
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer body end_answer ", "goes out, and its end is said");
	check(r.ex.state == EX_REST, "the backend takes the rest");
	size_t before = m.got_n;
	check(recorder_send(&r, "abcdef", 6, true) == 6 && m.got_n == before + 6, "which comes");
	recorder_check(&r, "done ", "then it is over");
	recorder_close(&r);

	m = (struct memory_leg){
		.room = SIZE_MAX, .frames = { { FRAME_HEAD, HEAD_NO, 0 }, { FRAME_LAST, "no", 0 } }
	};
	begin(&r, s, &m, SMALL);
	memory_leg_tell_all(&m);
	recorder_check(&r, "answer body end_answer ", "also that of one that is not wanted");
	check(!r.client.keep, "whose connection ends");
	exchange_client_left(&r.ex, "client left");
	exchange_settle(&r.ex);
	recorder_check(&r, "done ", "with the client");
	recorder_close(&r);
}

/* Nobody takes the rest of a request that came whole, while its client is read already. */
static void test_read_already(struct stage *s)
{
	struct recorder r;
	struct memory_leg m = { .room = 0 };

	check_case("a client that is read already");
	begin(&r, s, &m, SMALL);
	r.ex.at.leg.sending = LEG_MUTE;
	r.client.keep = r.is_read = true;
	upload_resume(&r.ex.at, &r.client, UPLOAD_TRAILS);
	check(r.client.keep, "keeps its connection");
	r.is_read = false;
	upload_resume(&r.ex.at, &r.client, UPLOAD_TRAILS);
	check(!r.client.keep, "one that is not is read on, for the last time");
	exchange_client_left(&r.ex, "client left");
	exchange_settle(&r.ex);
	recorder_check(&r, "done ", "and it ends");
	recorder_close(&r);
}

void exchange_upload_tests(struct stage *s)
{
	stage_forget(s);
	test_pieces(s);
	test_back_pressure(s);
	test_fault(s);
	test_early(s);
	test_read_already(s);
}
