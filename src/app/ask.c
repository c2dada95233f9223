#include "app/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/check.h"
#include "app/control.h"
#include "base/num.h"
#include "base/str.h"

enum { ANSWER_MS = 60000, FOUND_MAX = 8, TITLE_MAX = 72 };

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

/* What the process was started with, as its title tells: any process may have made it up. */
static void describe(pid_t pid, char to[TITLE_MAX])
{
	static const char title[] = "neap: master ";
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, to, TITLE_MAX - 1);
	size_t n = got > 0 ? (size_t)got : 0;
	if (fd >= 0)
		(void)close(fd); /* only read from */
	for (size_t i = 0; i < n; i++)
		to[i] = (char)(to[i] == '\0' ? ' ' : to[i] < ' ' || to[i] > '~' ? '?' : to[i]);
	while (n > 0 && to[n - 1] == ' ')
		n--;
	to[n] = '\0';
	if (n >= sizeof(title) && memcmp(to, title, sizeof(title) - 1) == 0)
		memmove(to, to + sizeof(title) - 1, n - sizeof(title) + 2);
}

static enum err refuse_many(const pid_t *pids, unsigned count, struct error *e)
{
	char list[(FOUND_MAX + 1) * (TITLE_MAX + 16)] = "", title[TITLE_MAX];
	size_t used = 0;

	for (unsigned i = 0; i < count && i < FOUND_MAX; i++) {
		describe(pids[i], title);
		used += (size_t)snprintf(list + used, sizeof(list) - used, "\n%ld: %s",
					 (long)pids[i], title);
	}
	if (count > FOUND_MAX)
		(void)snprintf(list + used, sizeof(list) - used, "\nand %u more",
			       count - FOUND_MAX);
	return err_set(e, ERR_INVALID,
		       "which neap? Name one by --pid N, its pid file by -p FILE, or its config "
		       "by -c FILE if that has a pid_file; these run:%s",
		       list);
}

/* Does the config that lies here say which of several is meant? One that errs says nothing. */
static bool is_in_config_here(const struct settings *s, pid_t *pid)
{
	struct settings here = *s;
	struct error e;
	char path[512] = "";

	here.config = "config.lua";
	return access(here.config, F_OK) == 0 &&
	       check_pid_file(&here, path, sizeof(path), &e) == ERR_OK && path[0] != '\0' &&
	       read_pid_file(path, pid, &e) == ERR_OK;
}

static enum err find_only(const struct settings *s, pid_t *pid, struct error *e)
{
	pid_t pids[FOUND_MAX];
	unsigned count = control_find(pids, FOUND_MAX);

	if (count == 0)
		return err_set(e, ERR_GONE, "no neap runs here (in this network namespace)");
	*pid = pids[0];
	if (count == 1 || (s->config == NULL && is_in_config_here(s, pid)))
		return ERR_OK;
	return refuse_many(pids, count, e);
}

static enum err find(const struct settings *s, pid_t *pid, struct error *e)
{
	char path[512] = "";

	if (*pid != 0)
		return ERR_OK;
	if (s->pid_file != NULL)
		return read_pid_file(s->pid_file, pid, e);
	if (s->config != NULL) {
		enum err err = check_pid_file(s, path, sizeof(path), e);
		if (err != ERR_OK)
			return err;
	}
	return path[0] != '\0' ? read_pid_file(path, pid, e) : find_only(s, pid, e);
}

/* Nobody else may have taken the name: the listener is that process. */
static bool is_process(int fd, pid_t pid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.pid == pid;
}

static enum err dial(pid_t pid, int *fd, struct error *e)
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

static enum err wait_for(int fd, pid_t pid, struct error *e)
{
	struct message m = { .kind = 0 };
	enum err err = message_wait(fd, ANSWER_MS, &m);

	if (err == ERR_LIMIT)
		return err_set(e, err, "process %ld did not answer within %d s", (long)pid,
			       ANSWER_MS / 1000);
	if (err != ERR_OK)
		return err_set(e, ERR_GONE,
			       "process %ld hung up: it ended, or it is another user's", (long)pid);
	if (m.kind != MESSAGE_RELOADED)
		return err_set(e, ERR_INVALID, "%s\nnot reloaded: the generation before serves on",
			       m.text);
	(void)printf("reloaded: generation %s serves\n", m.text);
	return ERR_OK;
}

enum err ask_reload(const struct settings *s, pid_t pid, struct error *e)
{
	int fd;
	enum err err = find(s, &pid, e);

	if (err == ERR_OK)
		err = dial(pid, &fd, e);
	if (err != ERR_OK)
		return err;
	(void)message_send(fd, MESSAGE_RELOAD, NULL); /* if it hung up, reading tells */
	err = wait_for(fd, pid, e);
	(void)close(fd);
	return err;
}
