#include "app/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "http/h1_reader.h"
#include "net/sock.h"

enum { SILENCE_MS = 5000, ANSWER_MAX = 256 * 1024 * 1024, FIELDS_MAX = 64, INTERIMS_MAX = 16 };

static bool wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, SILENCE_MS) > 0;
}

static enum err gone(const struct addr *a, const char *why, struct error *e)
{
	char text[ADDR_TEXT_MAX];

	(void)addr_print(a, text);
	return err_set(e, ERR_GONE, "the admin side at %s: %s", text, why);
}

static enum err dial(const struct addr *a, int *fd, struct error *e)
{
	*fd = sock_connect_start(a);
	if (*fd < 0)
		return gone(a, sock_err_text(errno), e);
	int sys = wait_for(*fd, POLLOUT) ? sock_connect_result(*fd) : ETIMEDOUT;
	if (sys == 0)
		return ERR_OK;
	(void)close(*fd); /* nothing was sent */
	return gone(a, sock_err_text(sys), e);
}

static enum err ask(int fd, const struct addr *a, const struct fetch_order *o, struct error *e)
{
	char text[8192], body[96] = "", token[FETCH_TOKEN_MAX + 32] = "";

	if (o->token != NULL)
		(void)snprintf(token, sizeof(token), "Authorization: Bearer %s\r\n", o->token);
	if (o->body.n > 0)
		(void)snprintf(body, sizeof(body),
			       "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			       o->body.n);
	int n = snprintf(text, sizeof(text),
			 "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s%s\r\n%.*s",
			 o->method, o->path, token, body, (int)o->body.n, o->body.p);

	if (n < 0 || (size_t)n >= sizeof(text))
		return err_set(e, ERR_LIMIT, "the request is too long");
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) == n)
		return ERR_OK;
	return gone(a, "it hung up", e);
}

/* Reads all until the peer closes. */
static enum err read_all(int fd, const struct addr *a, struct fetched *f, size_t *used,
			 struct error *e)
{
	size_t room = 0;

	for (;;) {
		if (*used == room) {
			room = room == 0 ? 65536 : 2 * room;
			char *more = room > ANSWER_MAX ? NULL : realloc(f->bytes, room);
			if (more == NULL)
				return err_set(e, ERR_MEMORY, "the answer is too long");
			f->bytes = more;
		}
		ssize_t n = recv(fd, f->bytes + *used, room - *used, MSG_DONTWAIT);
		if (n == 0)
			return ERR_OK;
		if (n > 0)
			*used += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return gone(a, sock_err_text(errno), e);
		else if (!wait_for(fd, POLLIN))
			return gone(a, "no answer within 5 s", e);
	}
}

static int hex_value(struct str digits)
{
	uint64_t n;

	return num_parse_hex(digits, 0xffff, &n) ? (int)n : -1;
}

/* A control character of C1 in UTF-8: on many terminals the beginning of a command. */
static bool is_c1(const char *p, const char *end)
{
	return end - p > 1 && (unsigned char)p[0] == 0xC2 && (unsigned char)p[1] < 0xA0;
}

/* The "error" of a JSON answer, as a terminal may show it; false: there is none. */
static bool find_error(struct str body, char *to, size_t size)
{
	static const char key[] = "\"error\":\"";
	const char *p = memmem(body.p, body.n, key, sizeof(key) - 1), *end = body.p + body.n;
	size_t n = 0;

	if (p == NULL)
		return false;
	for (p += sizeof(key) - 1; p < end && *p != '"' && n + 1 < size; p++) {
		int c = (unsigned char)*p;
		if (c == '\\' && end - p > 5 && p[1] == 'u') {
			c = hex_value((struct str){ p + 2, 4 });
			p += 5;
		} else if (c == '\\' && end - p > 1) {
			c = *++p == 'n' || *p == 't' ? ' ' : *p;
		} else if (is_c1(p, end)) {
			c = '?';
			p++;
		} else if (c > 127) {
			to[n++] = *p;
			continue;
		}
		to[n++] = c < ' ' || c >= 127 ? '?' : (char)c;
	}
	to[n] = '\0';
	return n > 0;
}

static enum err refused(const struct http_head *head, struct str body, struct error *e)
{
	char text[1024];

	if (find_error(body, text, sizeof(text)))
		return err_set(e, ERR_INVALID, "%s", text);
	return err_set(e, ERR_INVALID, "the admin side answers with status %u", head->status);
}

static enum err parse(struct fetched *f, size_t n, const struct addr *a, struct error *e)
{
	static const struct h1_reader_bounds bounds = { .head = { 65536, 8192, FIELDS_MAX },
							.body_max = ANSWER_MAX,
							.interims_max = INTERIMS_MAX };
	struct http_field fields[FIELDS_MAX];
	struct h1_reader r;

	h1_reader_init_answer(&r, fields, &bounds, METHOD_GET);
	if (h1_reader_read(&r, f->bytes, &n) != READER_HEAD)
		return gone(a, "this is not neap's admin side", e);
	bool is_whole = h1_reader_read(&r, f->bytes, &n) == READER_DONE ||
			h1_reader_ends_at_close(&r);
	f->body = h1_reader_payload(&r, f->bytes);
	if (r.head.status != 200)
		return refused(&r.head, f->body, e);
	if (!is_whole || h1_reader_bytes(&r) != n)
		return gone(a, "its answer broke off", e);
	return ERR_OK;
}

enum err fetch_do(const struct addr *a, const struct fetch_order *o, struct fetched *f,
		  struct error *e)
{
	size_t used = 0;
	int fd;

	*f = (struct fetched){ .bytes = NULL };
	enum err err = dial(a, &fd, e);
	if (err != ERR_OK)
		return err;
	err = ask(fd, a, o, e);
	if (err == ERR_OK)
		err = read_all(fd, a, f, &used, e);
	(void)close(fd);
	return err == ERR_OK ? parse(f, used, a, e) : err;
}

enum err fetch(const struct addr *a, const char *path, struct fetched *f, struct error *e)
{
	struct fetch_order o = { .method = "GET", .path = path, .body = STR("") };

	return fetch_do(a, &o, f, e);
}
