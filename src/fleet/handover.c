#include "fleet/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "shm/board_plan.h"
#include "shm/board_size.h"
#include "shm/store.h"

enum { LISTEN_FIRST = 3 }; /* sd_listen_fds(3) */

static const char variable[] = "NEAP_HANDOVER";

static bool set_flags(int fd, bool is_inherited)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return false;
	flags = is_inherited ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
	return fcntl(fd, F_SETFD, flags) == 0;
}

/* ---- taking ---- */

static bool take_number(struct str *rest, char sep, int max, int *n)
{
	struct str word;
	uint64_t value;

	if (!str_split(rest, sep, &word) || !num_parse_u64(word, (uint64_t)max, &value))
		return false;
	*n = (int)value;
	return true;
}

static enum err adopt(struct sockets *s, struct str address, const int *fds, int count,
		      bool is_foreign, struct error *e)
{
	char text[128];

	for (int i = 0; i < count; i++) {
		if (!set_flags(fds[i], false))
			return err_sys(e, errno, "descriptor %d, which was handed over", fds[i]);
	}
	if (!str_copy(text, sizeof(text), address))
		return err_set(e, ERR_LIMIT, "an address that was handed over is too long");
	return sockets_adopt(s, text, fds, (unsigned)count, is_foreign, e);
}

static enum err not_ours(struct error *e)
{
	return err_set(e, ERR_INVALID, "%s: not what a neap hands over", variable);
}

/* "FD ADDRESS" */
static enum err take_admin(struct admin_socket *a, struct str line, struct error *e)
{
	if (!take_number(&line, ' ', INT32_MAX, &a->fd) || line.p == NULL ||
	    !str_copy(a->address, sizeof(a->address), line) || !set_flags(a->fd, false))
		return not_ours(e);
	enum err err = addr_parse(&a->addr, line, e);
	unix_file_note(&a->file, &a->addr);
	if (err != ERR_OK || addr_is_unix(&a->addr))
		return err;
	a->addr.len = sizeof(a->addr.u); /* the real port */
	return getsockname(a->fd, &a->addr.u.sa, &a->addr.len) == 0 ? ERR_OK : not_ours(e);
}

/* "own|foreign COUNT FD… ADDRESS" */
static enum err take_listen(struct sockets *s, struct str line, struct error *e)
{
	struct str kind;
	int fds[BOARD_WORKERS_MAX], count;
	bool is_whole = str_split(&line, ' ', &kind) &&
			take_number(&line, ' ', BOARD_WORKERS_MAX, &count);
	for (int i = 0; is_whole && i < count; i++)
		is_whole = take_number(&line, ' ', INT32_MAX, &fds[i]);
	if (!is_whole || line.p == NULL)
		return not_ours(e);
	return adopt(s, line, fds, count, str_eq(kind, STR("foreign")), e);
}

/* "FD LAYOUT BYTES NAME" */
static enum err take_store(struct store_set *s, struct str line, struct error *e)
{
	struct store_keep *row = &s->rows[s->n];
	int layout;
	struct str bytes;

	if (s->n == countof(s->rows) || !take_number(&line, ' ', INT32_MAX, &row->fd) ||
	    !take_number(&line, ' ', INT32_MAX, &layout) || !str_split(&line, ' ', &bytes) ||
	    !num_parse_u64(bytes, STORE_BYTES_MAX, &row->bytes) || line.p == NULL ||
	    !str_copy(row->name, sizeof(row->name), line) || !set_flags(row->fd, false))
		return not_ours(e);
	row->before = -1;
	if (layout == STORE_LAYOUT)
		s->n++;
	else
		(void)close(row->fd); /* not ours to write to */
	return ERR_OK;
}

static enum err take_handed(struct handover *h, struct str line, struct error *e)
{
	struct str word;

	if (line.n == 0 || !str_split(&line, ' ', &word))
		return ERR_OK;
	if (str_eq(word, STR("listen")))
		return take_listen(&h->sockets, line, e);
	if (str_eq(word, STR("admin")))
		return take_admin(&h->admin, line, e);
	if (str_eq(word, STR("store")))
		return take_store(&h->stores, line, e);
	return ERR_OK; /* of a later version */
}

static enum err take_list(struct handover *h, int fd, struct error *e)
{
	char *text = NULL;
	off_t size = lseek(fd, 0, SEEK_END);
	enum err err = ERR_OK;

	if (size < 0 || size > 1024 * 1024 || (text = malloc((size_t)size + 1)) == NULL)
		return not_ours(e);
	ssize_t n = pread(fd, text, (size_t)size, 0);
	struct str rest = { text, n > 0 ? (size_t)n : 0 }, line;
	while (err == ERR_OK && str_split(&rest, '\n', &line))
		err = take_handed(h, line, e);
	free(text);
	return err;
}

static enum err take_from_master(struct handover *h, const char *value, struct error *e)
{
	struct str rest = str_of(value);
	int list;

	if (!take_number(&rest, ',', INT32_MAX, &h->channel) ||
	    !take_number(&rest, ',', INT32_MAX, &list) ||
	    !take_number(&rest, ',', INT32_MAX, &h->state) ||
	    (rest.p != NULL && !take_number(&rest, ',', INT32_MAX, &h->journal)) ||
	    !set_flags(h->channel, false) || !set_flags(h->state, false) ||
	    (h->journal >= 0 && !set_flags(h->journal, false)))
		return not_ours(e);
	enum err err = take_list(h, list, e);
	(void)close(list); /* only read from */
	return err;
}

/* What systemd passes is meant for this process only when the pid says so. */
static enum err take_from_systemd(struct handover *h, struct error *e)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t n;

	if (pid == NULL || count == NULL || !num_parse_u64(str_of(pid), INT32_MAX, &n) ||
	    (pid_t)n != getpid() || !num_parse_u64(str_of(count), BOARD_LISTENS_MAX, &n))
		return ERR_OK;
	for (int fd = LISTEN_FIRST; fd < LISTEN_FIRST + (int)n; fd++) {
		enum err err = adopt(&h->sockets, STR(""), &fd, 1, true, e);
		if (err != ERR_OK)
			return err_set(e, err, "LISTEN_FDS: %s", e->text);
	}
	return ERR_OK;
}

enum err handover_take(struct handover *h, struct error *e)
{
	const char *value = getenv(variable);

	*h = (struct handover){ .channel = -1, .state = -1, .journal = -1, .admin = { .fd = -1 } };
	enum err err = value != NULL ? take_from_master(h, value, e) : take_from_systemd(h, e);
	(void)unsetenv(variable);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return err;
}

/* ---- giving ---- */

static void write_row(FILE *file, const struct socket_row *row)
{
	(void)fprintf(file, "listen %s %u", row->is_foreign ? "foreign" : "own", row->listening);
	for (unsigned i = 0; i < row->listening; i++)
		(void)fprintf(file, " %d", row->fds[i]);
	(void)fprintf(file, " %s\n", row->address);
}

static void write_list(FILE *file, const struct handover_parts *parts)
{
	for (unsigned i = 0; i < parts->sockets->rows_n; i++)
		write_row(file, parts->sockets->rows[i]);
	if (parts->admin->fd >= 0)
		(void)fprintf(file, "admin %d %s\n", parts->admin->fd, parts->admin->address);
	for (unsigned i = 0; i < parts->stores->n; i++) {
		const struct store_keep *row = &parts->stores->rows[i];
		(void)fprintf(file, "store %d %d %llu %s\n", row->fd, STORE_LAYOUT,
			      (unsigned long long)row->bytes, row->name);
	}
}

enum err handover_write(const struct handover_parts *parts, int *fd, struct error *e)
{
	*fd = memfd_create("neap sockets", MFD_CLOEXEC);
	int copy = *fd < 0 ? -1 : fcntl(*fd, F_DUPFD_CLOEXEC, 0);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "w");

	if (file != NULL)
		write_list(file, parts);
	bool is_written = file != NULL && fclose(file) == 0;
	if (is_written)
		return ERR_OK;
	enum err err = err_sys(e, errno, "memory for what is handed over");
	if (file == NULL && copy >= 0)
		(void)close(copy);
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	return err;
}

bool handover_pass(const struct handover_parts *parts, const struct handover_fds *fds)
{
	const struct sockets *s = parts->sockets;
	const struct admin_socket *admin = parts->admin;
	char value[64], pid[24];
	bool is_done = set_flags(fds->channel, true) && set_flags(fds->list, true) &&
		       set_flags(fds->state, true) && set_flags(fds->journal, true) &&
		       (admin->fd < 0 || set_flags(admin->fd, true));

	for (unsigned i = 0; i < s->rows_n; i++) {
		const struct socket_row *row = s->rows[i];
		for (unsigned k = 0; k < row->listening; k++)
			is_done = is_done && set_flags(row->fds[k], true);
	}
	for (unsigned i = 0; i < parts->stores->n; i++)
		is_done = is_done && set_flags(parts->stores->rows[i].fd, true);
	(void)snprintf(value, sizeof(value), "%d,%d,%d,%d", fds->channel, fds->list, fds->state,
		       fds->journal);
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (getenv("WATCHDOG_PID") != NULL)
		(void)setenv("WATCHDOG_PID", pid, 1);
	return is_done && setenv(variable, value, 1) == 0;
}
