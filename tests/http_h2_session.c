/* Two sessions of HTTP/2 that talk to each other through memory. */
#include "check.h"
#include "http/h2_session.h"
#include "http_test.h"

enum { PIPE_MAX = 64 * 1024 };

struct side {
	struct h2_session s;
	int32_t id; /* of the stream that it saw last */
	unsigned streams, fields, blocks, ends, closes, pongs, settings, goaways;
	uint32_t code;
	size_t got;
	size_t body, asked; /* to be sent */
	bool refuses;
};

static struct h2_shared shared;
static struct side client, server;
static const struct h2_setup setup = { .streams = 10,
				       .stream_window = 65535,
				       .connection_window = 1024 * 1024,
				       .header_bytes = 16384 };

static struct side *of(struct h2_session *s)
{
	return container_of(s, struct side, s);
}

static void *on_stream(struct h2_session *s, int32_t id)
{
	of(s)->streams++;
	of(s)->id = id;
	return of(s)->refuses ? NULL : of(s);
}

static void on_block(struct h2_session *s, void *stream)
{
	(void)stream;
	of(s)->fields = 0;
}

static void on_field(struct h2_session *s, void *stream, struct str name, struct str value)
{
	(void)stream;
	(void)name;
	(void)value;
	of(s)->fields++;
}

static void on_block_end(struct h2_session *s, void *stream, bool is_last)
{
	(void)stream;
	of(s)->blocks++;
	of(s)->ends += is_last;
}

static void on_data(struct h2_session *s, void *stream, const char *p, size_t n)
{
	(void)stream;
	(void)p;
	of(s)->got += n;
}

static void on_end(struct h2_session *s, void *stream)
{
	(void)stream;
	of(s)->ends++;
}

static void on_close(struct h2_session *s, void *stream, uint32_t code)
{
	(void)stream;
	of(s)->closes++;
	of(s)->code = code;
}

static size_t on_ask(struct h2_session *s, void *stream, size_t max, enum h2_more *more)
{
	size_t left = of(s)->body - of(s)->asked, n = left < max ? left : max;
	(void)stream;
	*more = n == left ? H2_LAST : H2_MORE;
	of(s)->asked += n;
	return n;
}

static void on_take(struct h2_session *s, void *stream, char *to, size_t n)
{
	(void)s;
	(void)stream;
	memset(to, 'x', n);
}

static void on_goaway(struct h2_session *s, int32_t last_id, uint32_t code)
{
	(void)last_id;
	of(s)->goaways++;
	of(s)->code = code;
}

static void on_settings(struct h2_session *s)
{
	of(s)->settings++;
}

static void on_pong(struct h2_session *s)
{
	of(s)->pongs++;
}

static const struct h2_events events = { on_stream, on_block,  on_field,    on_block_end,
					 on_data,   on_end,    on_close,    on_ask,
					 on_take,   on_goaway, on_settings, on_pong };

static size_t pass(struct side *from, struct side *to, enum h2_received *what)
{
	static char bytes[PIPE_MAX];
	size_t n = h2_session_gather(&from->s, bytes, sizeof(bytes));
	if (n > 0)
		*what = h2_session_receive(&to->s, bytes, n, 1000);
	return n;
}

/* Until neither has anything to say. */
static void talk(void)
{
	enum h2_received what;
	while (pass(&client, &server, &what) + pass(&server, &client, &what) > 0)
		continue;
}

static void begin(void)
{
	client = server = (struct side){ .id = 0 };
	check(h2_session_open(&client.s, &shared, H2_CLIENT, &setup, &events) == ERR_OK, "client");
	check(h2_session_open(&server.s, &shared, H2_SERVER, &setup, &events) == ERR_OK, "server");
	talk();
}

static void end(void)
{
	h2_session_close(&client.s);
	h2_session_close(&server.s);
}

static void ask(bool has_body)
{
	char text[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	struct h2_lines l = h2_session_lines(&client.s);
	check(h2_lines_request(&l, text, sizeof(text) - 1, STR("http"), STR("")), "its fields");
	client.id = h2_session_request(&client.s, &l, has_body, &client);
	check(client.id > 0, "a stream begins");
}

static void answer(bool has_body)
{
	char text[] = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n";
	uint16_t status;
	struct h2_lines l = h2_session_lines(&server.s);
	check(h2_lines_answer(&l, text, sizeof(text) - 1, &status), "its fields");
	check(h2_session_answer(&server.s, server.id, &l, has_body), "it is answered");
}

static void test_exchange(void)
{
	check_case("a request and its answer");
	begin();
	check(server.settings == 1 && client.settings == 1, "each has the other's settings");
	client.body = 100000;
	ask(true);
	talk();
	check(server.streams == 1 && server.fields == 4, "the request came");
	check(server.got == 65535 && server.ends == 0, "as much of its body as the window allows");
	h2_session_took(&server.s, server.id, server.got);
	talk();
	check(server.got == 100000 && server.ends == 1, "the rest of it, when that was taken");
	server.body = 3;
	answer(true);
	talk();
	check(client.fields == 2 && client.got == 3 && client.ends == 1, "the answer came");
	check(client.closes == 1 && server.closes == 1 && server.code == H2_NO_ERROR, "it is over");
	end();
}

static void test_refused(void)
{
	check_case("a stream that is refused");
	begin();
	server.refuses = true;
	ask(false);
	talk();
	check(client.closes == 1 && client.code == H2_REFUSED_STREAM, "the client is told");
	check(server.closes == 0 && server.blocks == 0, "the server hears no more of it");
	end();
}

static void test_windows(void)
{
	check_case("windows that grow");
	begin();
	client.body = 300000;
	ask(true);
	talk();
	check(server.got == 65535, "as large as it began");
	h2_session_grow(&server.s, server.id, 131072);
	talk();
	check(server.got == 131072, "larger");
	end();
}

static void test_end(void)
{
	check_case("an end in two steps");
	begin();
	h2_session_announce_end(&server.s);
	h2_session_ping(&server.s);
	ask(false);
	talk();
	check(client.goaways == 1 && server.pongs == 1, "the client knows");
	check(server.blocks == 1, "a request on its way is taken");
	h2_session_end(&server.s);
	talk();
	check(!h2_session_is_over(&server.s), "it is under way");
	answer(false);
	talk();
	check(client.closes == 1 && client.code == H2_NO_ERROR, "it is answered");
	check(h2_session_is_over(&server.s), "then all is over");
	end();
}

void test_h2_session(void)
{
	check(h2_shared_init(&shared, 32) == ERR_OK, "what they share");
	test_exchange();
	test_refused();
	test_windows();
	test_end();
	h2_shared_fini(&shared);
}

static void check_flood(enum h2_abuse_kind kind, unsigned frames, void (*one)(void))
{
	enum h2_received what = H2_GOES_ON;
	begin();
	for (unsigned i = 0; i < frames && what == H2_GOES_ON; i++) {
		one();
		(void)pass(&client, &server, &what);
	}
	check(what == H2_ABUSED && server.s.abuse.found == kind, h2_abuse_words(kind));
	talk();
	check(client.goaways == 1 && client.code == H2_ENHANCE_YOUR_CALM, "ENHANCE_YOUR_CALM");
	end();
}

static void one_ping(void)
{
	h2_session_ping(&client.s);
}

static void one_settings(void)
{
	(void)nghttp2_submit_settings(client.s.ng, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void one_reset(void)
{
	enum h2_received what;
	ask(true);
	client.body = 1000;
	client.asked = 0;
	(void)pass(&client, &server, &what);
	h2_session_reset(&client.s, client.id, H2_CANCEL);
}

void test_h2_abuse(void)
{
	check(h2_shared_init(&shared, 32) == ERR_OK, "what they share");
	check_case("floods");
	check_flood(H2_ABUSE_PINGS, 100, one_ping);
	check_flood(H2_ABUSE_SETTINGS, 100, one_settings);
	check_flood(H2_ABUSE_RESETS, 300, one_reset);
	h2_shared_fini(&shared);
}
