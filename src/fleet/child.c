#include "fleet/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cc.h"

#if CC_ASAN
#include <sanitizer/lsan_interface.h>
#endif

void child_die_with_parent(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void set_child_handler(int signal_number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(signal_number, &action, NULL);
}

static void reset_signals(void)
{
	static const int to_group[] = {
		SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ
	};
	sigset_t none;

	set_child_handler(SIGTERM, SIG_DFL);
	set_child_handler(SIGCHLD, SIG_DFL);
	for (size_t i = 0; i < countof(to_group); i++)
		set_child_handler(to_group[i], SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * The end of every forked process. It is not exit(): what the parent registered for its own end
 * must not run here, and its buffered output must not be written twice.
 */
static _Noreturn void end_child(int status)
{
	(void)fflush(stdout);
#if CC_ASAN
	__lsan_do_leak_check();
#endif
	_exit(status);
}

static void begin_child(const char *name, pid_t parent)
{
	char title[16];

	child_die_with_parent();
	if (getppid() != parent) /* the parent died before the kernel was asked */
		_exit(1);
	reset_signals();
	(void)snprintf(title, sizeof(title), "neap: %s", name); /* cut is fine */
	(void)prctl(PR_SET_NAME, title);
}

enum err child_fork(struct child *c, const char *name, int (*run)(void *ctx, int channel),
		    void *ctx, struct error *e)
{
	int pair[2];
	sigset_t all, before;
	pid_t parent = getpid();

	*c = (struct child){ .channel = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, errno, "socketpair");
	(void)fflush(stdout);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before); /* no handler of ours may run in the child */
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		begin_child(name, parent);
		end_child(run(ctx, pair[1]));
	}
	int sys = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return err_sys(e, sys, "fork");
	}
	*c = (struct child){ .pid = pid, .channel = pair[0] };
	return ERR_OK;
}

void child_describe_end(int status, char *to, size_t size)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		(void)snprintf(to, size, "made a system call that `hardening` forbids");
	else if (WIFSIGNALED(status))
		(void)snprintf(to, size, "was killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	else
		(void)snprintf(to, size, "ended with status %d", WEXITSTATUS(status));
}

int child_finish(struct child *c, bool must_kill)
{
	int status = 0;

	if (c->pid <= 0)
		return 0;
	if (must_kill)
		(void)kill(c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	return status;
}
