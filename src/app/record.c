#include "app/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/fetch.h"
#include "app/token.h"
#include "base/cc.h"
#include "base/num.h"
#include "http/h1_write.h"

enum { EVERY_MS = 100, AFTER_MS = 5000, SECONDS = 10, COUNT_SECONDS = 60 };

static volatile sig_atomic_t must_end;

/* ---- what is wanted ---- */

void record_init(struct record_wish *w)
{
	*w = (struct record_wish){
		.redact = { "cookie", "authorization", "proxy-authorization" },
		.redact_n = 3,
	};
}

static enum err check_name(const char *flag, const char *name, struct error *e)
{
	if (h1_is_token(str_of(name)) && str_of(name).n < 64)
		return ERR_OK;
	return err_set(e, ERR_INVALID, "--%s: '%s' is no name of a header", flag, name);
}

enum err record_redact(struct record_wish *w, const char *name, struct error *e)
{
	if (check_name("redact", name, e) != ERR_OK)
		return e->code;
	if (w->redact_n == RECORD_REDACT_MAX)
		return err_set(e, ERR_LIMIT, "--redact: more than %d headers", RECORD_REDACT_MAX);
	w->redact[w->redact_n++] = name;
	w->is_listed = true;
	return ERR_OK;
}

enum err record_keep(struct record_wish *w, const char *name, struct error *e)
{
	if (check_name("keep", name, e) != ERR_OK)
		return e->code;
	w->is_listed = true;
	for (unsigned i = 0; i < w->redact_n; i++) {
		if (!str_eq_nocase(str_of(w->redact[i]), str_of(name)))
			continue;
		w->redact[i] = w->redact[--w->redact_n];
		return ERR_OK;
	}
	return err_set(e, ERR_INVALID, "--keep: '%s' is not hidden anyway", name);
}

bool record_is_asked(const struct record_wish *w)
{
	return w->seconds > 0 || w->count > 0 || w->is_listed;
}

enum err record_check(const struct record_wish *w, struct error *e)
{
	if (w->file == NULL)
		return err_set(e, ERR_INVALID, "record: into which file? neap record FILE");
	return ERR_OK;
}

/* ---- the recording ---- */

struct state {
	const struct addr *addr;
	char token[FETCH_TOKEN_MAX];
	const char *path;
	FILE *file;
	uint64_t requests, begun, lost;
	bool is_on, is_over;
};

static enum err open_recording(struct state *s, struct error *e)
{
	int fd = open(s->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_INVALID, "%s: there already; choose another name", s->path);
	s->file = fd < 0 ? NULL : fdopen(fd, "w");
	return s->file != NULL ? ERR_OK : err_sys(e, errno, "%s", s->path);
}

static enum err put_text(struct state *s, struct str text, struct error *e)
{
	if (fwrite(text.p, 1, text.n, s->file) == text.n)
		return ERR_OK;
	return err_sys(e, errno, "%s", s->path);
}

static enum err order(const struct state *s, const char *method, const char *path, struct str body,
		      struct fetched *f, struct error *e)
{
	struct fetch_order o = { .method = method, .path = path, .token = s->token, .body = body };

	return fetch_do(s->addr, &o, f, e);
}

static enum err start_recording(struct state *s, const struct record_wish *w, struct error *e)
{
	char body[4096];
	struct fetched f;
	unsigned seconds = w->seconds > 0 ? w->seconds
			   : w->count > 0 ? RECORD_SECONDS_MAX
					  : SECONDS;
	int n = snprintf(body, sizeof(body), "{\"seconds\":%u,\"count\":%u,\"redact\":[", seconds,
			 w->count > 0 ? w->count : RECORD_COUNT_MAX);

	for (unsigned i = 0; i < w->redact_n; i++)
		n += snprintf(body + n, sizeof(body) - (size_t)n, "%s\"%s\"", i > 0 ? "," : "",
			      w->redact[i]);
	n += snprintf(body + n, sizeof(body) - (size_t)n, "]}");
	enum err err = order(s, "POST", "/record", (struct str){ body, (size_t)n }, &f, e);
	s->is_on = err == ERR_OK;
	if (err == ERR_OK)
		err = open_recording(s, e);
	if (err == ERR_OK)
		err = put_text(s, f.body, e);
	free(f.bytes);
	return err;
}

static void count_requests(struct state *s, struct str lines)
{
	struct str line;

	while (str_split(&lines, '\n', &line))
		s->requests += str_starts_with(line, STR("{\"request\""));
}

/* The number after `key` in the line of the status. */
static bool find_number(struct str line, struct str key, uint64_t *value)
{
	const char *at = memmem(line.p, line.n, key.p, key.n);
	struct str digits = { at == NULL ? NULL : at + key.n, 0 };

	if (at == NULL)
		return false;
	while (digits.p + digits.n < line.p + line.n && digits.p[digits.n] >= '0' &&
	       digits.p[digits.n] <= '9')
		digits.n++;
	return num_parse_u64(digits, INT64_MAX, value);
}

static bool read_status(struct state *s, struct str *body)
{
	struct str line;

	if (!str_split(body, '\n', &line) || !find_number(line, STR("\"begun\":"), &s->begun) ||
	    !find_number(line, STR("\"lost\":"), &s->lost))
		return false;
	s->is_over = str_starts_with(line, STR("{\"is_over\":true"));
	return true;
}

static enum err take_records(struct state *s, struct error *e)
{
	struct fetched f;
	enum err err = order(s, "POST", "/record/take", STR(""), &f, e);

	if (err == ERR_OK && !read_status(s, &f.body))
		err = err_set(e, ERR_INVALID, "the admin side answers otherwise than expected");
	if (err == ERR_OK) {
		count_requests(s, f.body);
		err = put_text(s, f.body, e);
	}
	free(f.bytes);
	return err;
}

static bool is_complete(const struct state *s)
{
	return s->requests + s->lost >= s->begun;
}

static enum err take_all(struct state *s, struct error *e)
{
	for (unsigned after_ms = 0;;) {
		enum err err = take_records(s, e);
		if (err != ERR_OK)
			return err;
		if (must_end != 0 || (s->is_over && (is_complete(s) || after_ms >= AFTER_MS)))
			return ERR_OK;
		(void)poll(NULL, 0, EVERY_MS);
		after_ms += s->is_over ? EVERY_MS : 0;
	}
}

static void on_record_signal(int number)
{
	must_end = number;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_record_signal };

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

/* Writes the last line, and says on standard output what the file has. */
static enum err finish_file(struct state *s, enum err err, struct error *e)
{
	uint64_t missing = is_complete(s) ? 0 : s->begun - s->requests - s->lost;
	char line[192], more[96] = "";
	struct error later;

	int n = snprintf(line, sizeof(line),
			 "{\"end\":{\"requests\":%" PRIu64 ",\"lost\":%" PRIu64
			 ",\"unfinished\":%" PRIu64 "}}\n",
			 s->requests, s->lost, missing);
	enum err wrote = put_text(s, (struct str){ line, (size_t)n }, &later);
	if (fclose(s->file) != 0 && wrote == ERR_OK)
		wrote = err_sys(&later, errno, "%s", s->path);
	if (err == ERR_OK && wrote != ERR_OK)
		err = err_set(e, wrote, "%s", later.text);
	if (err != ERR_OK)
		return err_set(e, err, "%s\nthe recording broke off: %s has %" PRIu64 " requests",
			       e->text, s->path, s->requests);
	if (s->lost > 0)
		(void)snprintf(more, sizeof(more), "; %" PRIu64 " more were lost (no room)",
			       s->lost);
	size_t at = strlen(more);
	if (missing > 0)
		(void)snprintf(more + at, sizeof(more) - at, "; %" PRIu64 " did not end in time",
			       missing);
	(void)printf("%s: %" PRIu64 " requests%s\n", s->path, s->requests, more);
	return ERR_OK;
}

enum err record_run(const struct record_wish *w, const char *token_file, const struct look *l,
		    struct error *e)
{
	struct addr addr;
	struct state s = { .addr = &addr, .path = w->file };
	struct fetched f;
	struct error ignored;
	enum err err = look_find(l, &addr, e);

	if (err == ERR_OK)
		err = token_find(l, token_file, s.token, e);
	if (err == ERR_OK && access(s.path, F_OK) == 0)
		err = err_set(e, ERR_INVALID, "%s: there already; choose another name", s.path);
	if (err != ERR_OK)
		return err;
	catch_signals();
	err = start_recording(&s, w, e);
	if (err == ERR_OK)
		err = take_all(&s, e);
	if (s.is_on) {
		(void)order(&s, "DELETE", "/record", STR(""), &f, &ignored); /* it ends anyway */
		free(f.bytes);
	}
	return s.file != NULL ? finish_file(&s, err, e) : err;
}
