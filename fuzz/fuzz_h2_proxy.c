/*
 * HTTP/2 from a client to backends (and HTTP/1.1 from a client to backends of HTTP/2), through the data plane of a worker: each input is a script of what
 * the client and the backends send, and of what else happens: time passes, connections end, take no
 * more, or do not stand. Whatever it is, what neap sends is frames, heads that it sends to a backend
 * are good, no loop turns in vain, and in the end nothing is left: no stream, no block, no connection.
 */
#include "h2_world.h"

enum {
	TO_BACKEND = 0x80, /* bit of an op: whose peer acts */
	OP_BITS = 0x1f,
	MODE_OLD = 4,	  /* bits of the first byte: the client speaks HTTP/1 */
	MODE_ANSWERS = 8, /* backends answer each request at once */
	MODE_TURNS = 16,  /* a turn of the loop after each op */
	MODE_DEAF = 32,	  /* nobody acknowledges SETTINGS */
};

/* Ops below are frames of that type (10: one of RFC 9218). */
enum op {
	OP_REPEAT = 11, /* the last frame so many times more */
	OP_TURN,
	OP_WAIT,    /* so many times 100 ms */
	OP_REQUEST, /* a good one; on a backend: a good answer */
	OP_ROOM,    /* the peer takes so many times 64 bytes more; 255: all */
	OP_END,
	OP_BREAK,
	OP_SWITCH, /* the ops that follow are about this backend's connection */
	OP_DRAIN,
	OP_DIAL,   /* how the next dials go */
	OP_SETTLE, /* dials that take time end so */
	OP_CLOSE_IDLE,
	OP_ANSWERS,
	OP_STEP, /* so many bytes come with each read; 0: all */
	OP_TEXT, /* bytes as they are */
	OP_DOWN, /* a backend is found dead */
	OP_CUT,	 /* the client's connection, as when a drain's time is up */
};

struct script {
	uint8_t mode;
	size_t backend; /* its cable */
};

static struct script script;

/* ---- what good peers send ---- */

/* Of HTTP/1: GET or POST with a body in chunks, which is sent as text. */
static void send_old_request(struct cable *c, uint8_t how)
{
	static const char *const texts[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
		"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n",
		"GET /own HTTP/1.1\r\nHost: a\r\nAccept-Encoding: zstd\r\n\r\n",
	};
	const char *text = texts[how % (sizeof(texts) / sizeof(texts[0]))];
	cable_put(c, text, strlen(text));
}

/* Of HPACK: GET or POST, http, a path, an authority, and more fields. */
static void send_request(struct cable *c, uint8_t how, uint32_t id)
{
	static const char *const paths[] = { "/", "/own", "/wait", "/chat" };
	static const char field[] = { 0, 2, 't', 'e', 8, 't', 'r', 'a', 'i', 'l', 'e', 'r', 's' };
	static const char grpc[] = "\x5f\x10"
				   "application/grpc";
	static const char socket[] = "\x02\x07"
				     "CONNECT\x00\x09"
				     ":protocol\x09"
				     "websocket";
	const char *path = paths[how >> 2 & 3];
	char text[128];
	struct out o;
	out_init(&o, text, sizeof(text));
	bool is_socket = (how & 0x20) != 0, has_body = is_socket || (how & 1) != 0;
	if (is_socket)
		out_str(&o, (struct str){ socket, sizeof(socket) - 1 });
	else
		out_str(&o, has_body ? STR("\x83") : STR("\x82"));
	out_str(&o, STR("\x86\x04"));
	out_str(&o, (struct str){ &"\x00\x01\x02\x03\x04\x05"[strlen(path)], 1 });
	out_str(&o, str_of(path));
	out_str(&o, STR("\x41\x01"
			"a"));
	if ((how & 2) != 0) {
		out_str(&o, (struct str){ field, sizeof(field) });
		out_str(&o, (struct str){ grpc, sizeof(grpc) - 1 });
	}
	if ((how & 0x40) != 0)
		out_str(&o, STR("\x90")); /* accept-encoding: gzip, deflate */
	cable_frame(c, 1, has_body ? 4 : 5, id, (struct str){ text, o.n });
}

/* 200, or another one; with a body, or trailers. */
static void send_answer(struct cable *c, uint8_t how, uint32_t id)
{
	static const char field[] = { 0, 1, 'a', 1, 'b' };
	static const char none[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	static const char socket[] =
		"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
		"Sec-WebSocket-Accept: x\r\n\r\nab";
	/* 200, 204, 206, 304, 400, 404, 500; then content-type: text/plain */
	char head[] = "\x88\x5f\x0atext/plain";
	bool has_body = (how & 0x10) != 0, has_trailers = (how & 0x20) != 0;
	head[0] = (char)(0x88 + how % 7);
	if (!c->is_h2) {
		cable_put(c, has_body ? none : socket,
			  has_body ? sizeof(none) - 1 : sizeof(socket) - 1);
		return;
	}
	cable_frame(c, 1, has_body || has_trailers ? 4 : 5, id,
		    (struct str){ head, (how & 0x40) != 0 ? sizeof(head) - 1 : 1 });
	if (has_body)
		cable_frame(c, 0, has_trailers ? 0 : 1, id, STR("hello"));
	if (has_trailers)
		cable_frame(c, 1, 5, id, (struct str){ field, sizeof(field) });
}

static void on_frame(struct cable *c, uint8_t type, uint8_t flags, uint32_t id)
{
	bool is_backend = c != &cables.of[0], greets = type == 4 && (flags & 1) == 0;
	if (greets && is_backend && (script.mode & SCRIPT_NO_HELLO) == 0)
		cable_frame(c, 4, 0, 0, STR(""));
	if (greets && (script.mode & MODE_DEAF) == 0)
		cable_frame(c, 4, 1, 0, STR(""));
	if (type == 1 && is_backend && (script.mode & MODE_ANSWERS) != 0)
		send_answer(c, (uint8_t)(id * 7), id);
}

/* ---- the script ---- */

static void do_op(struct cable *c, enum op op, uint8_t how, uint32_t id, struct str rest)
{
	switch (op) {
	case OP_REPEAT:
		cable_repeat(c, how);
		break;
	case OP_TURN:
		world_turn();
		break;
	case OP_WAIT:
		world_turn();
		world_wait((int64_t)how * SECOND_US / 10);
		break;
	case OP_REQUEST:
		if (c == &cables.of[0] && !c->is_h2)
			send_old_request(c, how);
		else if (c == &cables.of[0])
			send_request(c, how, id);
		else
			send_answer(c, how, id);
		break;
	case OP_ROOM:
		c->room = how == 255 ? SIZE_MAX : (c->room > how * 64U ? 0 : c->room) + how * 64U;
		break;
	case OP_END:
	case OP_BREAK:
		c->end = op == OP_END ? CABLE_ENDS : CABLE_BREAKS;
		break;
	case OP_SWITCH:
		script.backend = 1 + how % (CABLES - 1U);
		break;
	case OP_SETTLE:
		cable_settle(c, how);
		break;
	case OP_STEP:
		c->step = how == 0 ? SIZE_MAX : how;
		break;
	case OP_TEXT:
		cable_put(c, rest.p, rest.n);
		break;
	default:
		break;
	}
}

static void do_to_world(enum op op, uint8_t how)
{
	struct front *f = world_front();
	switch (op) {
	case OP_DRAIN:
		if (f != NULL)
			f->ops->drain(f);
		break;
	case OP_CUT:
		if (f != NULL)
			f->ops->close(f, "cut");
		break;
	case OP_DIAL:
		cables.dial = how % 3;
		break;
	case OP_CLOSE_IDLE:
		(void)upstream_close_idle(&world_plane()->upstream);
		break;
	case OP_ANSWERS:
		script.mode ^= MODE_ANSWERS;
		break;
	case OP_DOWN:
		(void)board_set_state(world.board, how % BACKENDS, STATE_DOWN, STR("x"), 0);
		break;
	default:
		break;
	}
}

/* Four bytes: the op, its argument, a stream, the length of what follows. */
static void play(struct str in)
{
	while (in.n >= 4) {
		const uint8_t *op = (const uint8_t *)in.p;
		size_t n = op[3] < in.n - 4 ? op[3] : in.n - 4;
		struct str rest = { in.p + 4, n };
		struct cable *c = &cables.of[(op[0] & TO_BACKEND) != 0 ? script.backend : 0];
		uint8_t what = op[0] & OP_BITS;
		if (what < OP_REPEAT)
			cable_frame(c, what == 10 ? 16 : what, op[1], op[2], rest);
		do_op(c, (enum op)what, op[1], op[2], rest);
		do_to_world((enum op)what, op[1]);
		if ((script.mode & MODE_TURNS) != 0)
			world_turn();
		in.p += 4 + n;
		in.n -= 4 + n;
	}
	world_turn();
}

static void greet(void)
{
	if ((script.mode & (SCRIPT_NO_HELLO | MODE_OLD)) != 0)
		return;
	cable_put(&cables.of[0], "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
	cable_frame(&cables.of[0], 4, 0, 0, STR(""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > SCRIPT_MAX)
		return -1;
	world_begin();
	world_reset();
	cables.on_frame = on_frame;
	script = (struct script){ data[0], 1 };
	if ((script.mode & MODE_OLD) != 0)
		world_connect_old();
	else
		world_connect();
	greet();
	if ((script.mode & SCRIPT_RAW) != 0) {
		cable_put(&cables.of[0], data + 1, size - 1);
		world_turn();
	} else {
		play((struct str){ (const char *)data + 1, size - 1 });
	}
	world_end();
	return 0;
}
