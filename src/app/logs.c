#include "app/logs.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/check.h"
#include "base/cc.h"
#include "base/num.h"
#include "base/str.h"
#include "base/syslog.h"
#include "fleet/plan.h"

enum { EVERY_MS = 200, LINE_MAX_BYTES = 65536, PATH_SIZE = 512 };

/* One file. Its bytes are read into `text`; what is no whole line yet waits there. */
struct tail {
	char path[PATH_SIZE];
	FILE *file; /* NULL: it is not there (yet) */
	size_t used;
	char text[LINE_MAX_BYTES];
};

/* The last lines of a file before it is known which they are. */
struct ring {
	char **lines; /* `room` places */
	size_t room, next;
};

enum err logs_add_filter(struct logs_wish *w, const char *text, struct error *e)
{
	if (w->filters_n == LOGS_FILTERS_MAX)
		return err_set(e, ERR_LIMIT, "--filter: more than %d texts", LOGS_FILTERS_MAX);
	w->filters[w->filters_n++] = text;
	return ERR_OK;
}

static bool is_wanted(const struct logs_wish *w, struct str line)
{
	for (unsigned i = 0; i < w->filters_n; i++) {
		if (memmem(line.p, line.n, w->filters[i], strlen(w->filters[i])) == NULL)
			return false;
	}
	return true;
}

/* Into the ring, or to stdout when there is none. */
static void take_line(const struct logs_wish *w, struct ring *r, struct str line)
{
	if (!is_wanted(w, line))
		return;
	if (r == NULL) {
		(void)printf("%.*s\n", (int)line.n, line.p);
		return;
	}
	if (r->room == 0)
		return;
	char **place = &r->lines[r->next++ % r->room];
	free(*place);
	*place = strndup(line.p, line.n); /* NULL: that line is not shown */
}

static void take_lines(struct tail *t, const struct logs_wish *w, struct ring *r)
{
	struct str rest = { t->text, t->used };
	const char *end;

	while ((end = memchr(rest.p, '\n', rest.n)) != NULL) {
		struct str line = { rest.p, (size_t)(end - rest.p) };
		take_line(w, r, line);
		rest = (struct str){ end + 1, rest.n - line.n - 1 };
	}
	if (rest.n == sizeof(t->text)) { /* longer than any line of neap's: shown in pieces */
		take_line(w, r, rest);
		rest.n = 0;
	}
	memmove(t->text, rest.p, rest.n);
	t->used = rest.n;
}

/* All that is there by now. */
static void read_tail(struct tail *t, const struct logs_wish *w, struct ring *r)
{
	size_t n;

	if (t->file == NULL)
		return;
	clearerr(t->file); /* its end of before is passed when there is more */
	while ((n = fread(t->text + t->used, 1, sizeof(t->text) - t->used, t->file)) > 0) {
		t->used += n;
		take_lines(t, w, r);
	}
}

static enum err print_last(struct tail *t, const struct logs_wish *w, size_t last, struct error *e)
{
	struct ring r = { .lines = calloc(last + 1, sizeof(char *)), .room = last };

	if (r.lines == NULL)
		return err_set(e, ERR_MEMORY, "no memory for %zu lines", last);
	read_tail(t, w, &r);
	size_t count = r.next < last ? r.next : last;
	for (size_t i = r.next - count; i < r.next; i++) {
		char *line = r.lines[i % last];
		if (line != NULL)
			(void)printf("%s\n", line);
		free(line);
	}
	free(r.lines);
	return ERR_OK;
}

/* Rotated: another file has its name; the one before is read to its end first. Or it was cut. */
static void follow_name(struct tail *t, const struct logs_wish *w)
{
	struct stat name, open_one;

	if (stat(t->path, &name) != 0)
		return;
	if (t->file != NULL && fstat(fileno(t->file), &open_one) == 0 &&
	    name.st_ino == open_one.st_ino && name.st_dev == open_one.st_dev) {
		if (ftello(t->file) > open_one.st_size)
			rewind(t->file);
		return;
	}
	read_tail(t, w, NULL);
	if (t->file != NULL)
		(void)fclose(t->file); /* only read from */
	t->used = 0;
	t->file = fopen(t->path, "re");
}

static void follow(struct tail *tails, unsigned n, const struct logs_wish *w)
{
	while (fflush(stdout) == 0 && !ferror(stdout)) {
		(void)poll(NULL, 0, EVERY_MS);
		for (unsigned i = 0; i < n; i++) {
			read_tail(&tails[i], w, NULL);
			follow_name(&tails[i], w);
		}
	}
}

/* A file that cannot be opened is an error, unless it may still come. */
static enum err open_tail(struct tail *t, const struct logs_wish *w, struct error *e)
{
	t->used = 0;
	t->file = fopen(t->path, "re");
	if (t->file != NULL || (errno == ENOENT && w->must_follow))
		return ERR_OK;
	return err_sys(e, errno, "%s", t->path);
}

/* The files that logs go to, first the log, then the access log. */
static enum err find_files(const struct settings *s, struct tail *tails, unsigned *n,
			   struct error *e)
{
	static const enum check_fact facts[] = { CHECK_LOG, CHECK_ACCESS_LOG };
	char target[PATH_SIZE] = "", first[PATH_SIZE] = "";

	*n = 0;
	for (size_t i = 0; i < countof(facts); i++) {
		enum err err = check_learn(s, facts[i], target, sizeof(target), e);
		if (err != ERR_OK)
			return err;
		if (i == 0)
			(void)str_copy(first, sizeof(first), str_of(target));
		if (plan_is_file(target) && strcmp(target, "stdout") != 0)
			(void)str_copy(tails[(*n)++].path, PATH_SIZE, str_of(target));
	}
	if (*n > 0)
		return ERR_OK;
	const char *where = syslog_is_target(first) ? first : "standard error";

	return err_set(
		e, ERR_INVALID,
		"%s: no log goes to a file: the log goes to %s. Under systemd: journalctl -u "
		"neap; or name a file (log = { target = \"/var/log/neap/neap.log\" })",
		s->config, where);
}

static enum err print_all(struct tail *tails, unsigned n, const struct logs_wish *w,
			  struct error *e)
{
	uint64_t last = LOGS_LAST;
	enum err err = ERR_OK;

	if (w->last != NULL && !num_parse_u64(str_of(w->last), LOGS_LAST_MAX, &last))
		return err_set(e, ERR_INVALID, "--last: '%s' is not a number from 0 to %d", w->last,
			       LOGS_LAST_MAX);
	for (unsigned i = 0; i < n && err == ERR_OK; i++)
		err = open_tail(&tails[i], w, e);
	for (unsigned i = 0; i < n && err == ERR_OK; i++)
		err = print_last(&tails[i], w, (size_t)last, e);
	if (err == ERR_OK && w->must_follow)
		follow(tails, n, w);
	return err;
}

enum err logs_run(const struct logs_wish *w, const struct settings *s, struct error *e)
{
	struct tail *tails = calloc(2, sizeof(*tails));
	unsigned n = 0;

	if (tails == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	enum err err = find_files(s, tails, &n, e);
	if (err == ERR_OK)
		err = print_all(tails, n, w, e);
	free(tails); /* the files are closed by the exit, which comes next */
	return err;
}
