#include "app/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/check.h"
#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "fleet/control.h"

enum {
	ANSWER_MS = 120000,
	WHICH_MS = 2000,
	FOUND_MAX = 8, /* so many are listed */
	ASKED_MAX = 64,
	TITLE_MAX = 72,
	FOLDER_MAX = 128,
	LIST_MAX = (FOUND_MAX + 1) * (TITLE_MAX + FOLDER_MAX + 32),
};

static enum err read_pid_file(const char *path, pid_t *pid, struct error *e)
{
	char text[32];
	struct str rest, line;
	uint64_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_sys(e, errno, "pid file %s", path);
	ssize_t got = read(fd, text, sizeof(text));
	(void)close(fd); /* only read from */
	rest = (struct str){ text, got > 0 ? (size_t)got : 0 };
	if (!str_split(&rest, '\n', &line) || !num_parse_u64(line, INT32_MAX, &n) || n == 0)
		return err_set(e, ERR_INVALID, "pid file %s: there is no pid in it", path);
	*pid = (pid_t)n;
	return ERR_OK;
}

/* Makes n bytes fit for a terminal. They come from another process, which may have made them up. */
static void make_plain(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(text[i] == '\0'		  ? ' '
				 : text[i] < ' ' || text[i] > '~' ? '?'
								  : text[i]);
}

/* The folder at which a relative path in its title begins; "" where this user may not see it. */
static void find_folder(pid_t pid, char to[FOLDER_MAX])
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/cwd", (long)pid);
	ssize_t n = readlink(path, to, FOLDER_MAX - 1);
	size_t length = n > 0 ? (size_t)n : 0;
	make_plain(to, length);
	to[length] = '\0';
}

/* The command line of the process, from its title. */
static void describe_process(pid_t pid, char to[TITLE_MAX])
{
	static const char title[] = "neap: master ";
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, to, TITLE_MAX - 1);
	size_t n = got > 0 ? (size_t)got : 0;
	if (fd >= 0)
		(void)close(fd); /* only read from */
	make_plain(to, n);
	while (n > 0 && to[n - 1] == ' ')
		n--;
	to[n] = '\0';
	if (n >= sizeof(title) && memcmp(to, title, sizeof(title) - 1) == 0)
		memmove(to, to + sizeof(title) - 1, n - sizeof(title) + 2);
}

/* One per line, each with a line end before it. */
static void print_list(const pid_t *pids, unsigned count, char list[LIST_MAX])
{
	char title[TITLE_MAX], folder[FOLDER_MAX];
	size_t used = 0;

	list[0] = '\0';
	for (unsigned i = 0; i < count && i < FOUND_MAX; i++) {
		describe_process(pids[i], title);
		find_folder(pids[i], folder);
		used += (size_t)snprintf(list + used, LIST_MAX - used, "\n%ld: %s (in %s)",
					 (long)pids[i], title, folder);
	}
	if (count > FOUND_MAX)
		(void)snprintf(list + used, LIST_MAX - used, "\nand %u more", count - FOUND_MAX);
}

static enum err refuse_many(const pid_t *pids, unsigned count, struct error *e)
{
	char list[LIST_MAX];

	print_list(pids, count, list);
	return err_set(e, ERR_INVALID,
		       "which neap? Name one by --pid N, by its pid file (-p FILE), or by its "
		       "config (-c FILE); these run:%s",
		       list);
}

/* Another process may have taken the name: is the listener the one of that pid? */
static bool is_process(int fd, pid_t pid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.pid == pid;
}

static enum err dial_master(pid_t pid, int *fd, struct error *e)
{
	struct sockaddr_un a;
	socklen_t n = control_address(&a, pid);

	*fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return err_sys(e, errno, "socket");
	if (connect(*fd, (const struct sockaddr *)&a, n) == 0 && is_process(*fd, pid))
		return ERR_OK;
	(void)close(*fd); /* nothing was said */
	return err_set(e, ERR_GONE, "process %ld is no neap that can be asked from here",
		       (long)pid);
}

/* ---- which one ---- */

static bool is_same_file(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* A master that does not answer soon, or belongs to another user, cannot be meant. */
static bool serves_by(pid_t pid, const char *config)
{
	struct message m = { .kind = 0 };
	struct error e;
	int fd;

	if (dial_master(pid, &fd, &e) != ERR_OK)
		return false;
	bool is_told = message_send(fd, MESSAGE_CONFIG, NULL) &&
		       message_wait(fd, WHICH_MS, &m, NULL) == ERR_OK && m.kind == MESSAGE_CONFIG;
	(void)close(fd); /* it was only asked */
	return is_told && is_same_file(m.text, config);
}

static enum err refuse_other(const char *config, const pid_t *pids, unsigned count, struct error *e)
{
	char list[LIST_MAX];

	print_list(pids, count, list);
	return err_set(e, ERR_GONE, "no neap that runs here serves by %s; these run:%s", config,
		       list);
}

static enum err find_by_config(const char *config, const pid_t *pids, unsigned count, pid_t *pid,
			       struct error *e)
{
	pid_t found[ASKED_MAX];
	unsigned found_n = 0;

	for (unsigned i = 0; i < count && i < ASKED_MAX; i++) {
		if (serves_by(pids[i], config))
			found[found_n++] = pids[i];
	}
	if (found_n == 0)
		return refuse_other(config, pids, count, e);
	*pid = found[0];
	return found_n == 1 ? ERR_OK : refuse_many(found, found_n, e);
}

static enum err find_running(const struct settings *s, pid_t *pid, struct error *e)
{
	pid_t pids[ASKED_MAX];
	unsigned count = control_find(pids, ASKED_MAX);

	if (count == 0)
		return err_set(e, ERR_GONE, "no neap runs here (in this network namespace)");
	if (s->config != NULL)
		return find_by_config(s->config, pids, count, pid, e);
	*pid = pids[0];
	return count == 1 ? ERR_OK : refuse_many(pids, count, e);
}

static enum err find_master(const struct settings *s, pid_t *pid, struct error *e)
{
	char path[512] = "";

	if (*pid != 0)
		return ERR_OK;
	if (s->pid_file != NULL)
		return read_pid_file(s->pid_file, pid, e);
	if (s->config != NULL) {
		enum err err = check_learn(s, CHECK_PID_FILE, path, sizeof(path), e);
		if (err != ERR_OK)
			return err;
	}
	/*
	 * The pid file may have been removed: then the masters are asked which config they serve
	 * by.
	 */
	if (path[0] != '\0' && read_pid_file(path, pid, e) == ERR_OK)
		return ERR_OK;
	return find_running(s, pid, e);
}

/* ---- the reload ---- */

/* Warnings may come before it. */
static enum err wait_for_result(int fd, struct message *m)
{
	enum err err;

	do {
		err = message_wait(fd, ANSWER_MS, m, NULL);
		if (err == ERR_OK && m->kind == MESSAGE_WARNING)
			log_warn("%s", m->text);
	} while (err == ERR_OK && m->kind == MESSAGE_WARNING);
	return err;
}

/* The config's path comes first, then how it went. */
static enum err wait_for_answer(int fd, pid_t pid, struct error *e)
{
	struct message config = { .text = "" }, m = { .kind = 0 };
	enum err err = message_wait(fd, ANSWER_MS, &config, NULL);

	if (err == ERR_OK)
		err = wait_for_result(fd, &m);
	if (err == ERR_LIMIT)
		return err_set(e, err, "process %ld did not answer within %d s", (long)pid,
			       ANSWER_MS / 1000);
	if (err != ERR_OK)
		return err_set(e, ERR_GONE,
			       "process %ld hung up: it ended, or it is another user's", (long)pid);
	if (m.kind != MESSAGE_RELOADED)
		return err_set(e, ERR_INVALID,
			       "%s\nnot reloaded: the generation before serves on (pid %ld, %s)",
			       m.text, (long)pid, config.text);
	(void)printf("reloaded: generation %s serves (pid %ld, %s)\n", m.text, (long)pid,
		     config.text);
	return ERR_OK;
}

enum err ask_reload(const struct settings *s, pid_t pid, struct error *e)
{
	int fd;
	enum err err = find_master(s, &pid, e);

	if (err == ERR_OK)
		err = dial_master(pid, &fd, e);
	if (err != ERR_OK)
		return err;
	(void)message_send(fd, MESSAGE_CONFIG, NULL); /* if it hung up, the read below tells */
	(void)message_send(fd, MESSAGE_RELOAD, NULL);
	err = wait_for_answer(fd, pid, e);
	(void)close(fd);
	return err;
}
