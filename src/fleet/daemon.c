#include "fleet/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for_daemon(pid_t pid, int fd)
{
	char byte;
	ssize_t n;
	int status;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	(void)close(fd);
	if (n == 1)
		return 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 1;
}

enum err daemon_fork(struct daemon *d, bool *is_parent, int *status, struct error *e)
{
	int pipe_fds[2];

	d->ready_fd = -1;
	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return err_sys(e, errno, "pipe");
	pid_t pid = fork();
	if (pid < 0) {
		enum err err = err_sys(e, errno, "fork");
		(void)close(pipe_fds[0]);
		(void)close(pipe_fds[1]);
		return err;
	}
	*is_parent = pid > 0;
	if (pid > 0) {
		(void)close(pipe_fds[1]);
		*status = wait_for_daemon(pid, pipe_fds[0]);
		return ERR_OK;
	}
	(void)close(pipe_fds[0]);
	d->ready_fd = pipe_fds[1];
	(void)setsid();
	return ERR_OK;
}

void daemon_let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		(void)close(null);
	}
	(void)!chdir("/");
}

void daemon_set_ready(struct daemon *d)
{
	if (d->ready_fd < 0)
		return;
	daemon_let_go();
	(void)!write(d->ready_fd, "", 1); /* nobody reads: the command was interrupted */
	(void)close(d->ready_fd);
	d->ready_fd = -1;
}
