#include "fleet/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static void set_handler(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(number, &action, NULL); /* fails only for numbers that do not exist */
}

static void unblock_all(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Without /dev/null a descriptor that can be neither read nor written is as good. */
static int open_nothing(void)
{
	int fd = open("/dev/null", O_RDWR);

	return fd >= 0 ? fd : open("/", O_PATH);
}

static enum err fill_descriptors(struct error *e)
{
	int fd;

	do {
		fd = open_nothing(); /* the lowest number that is free */
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return err_sys(e, errno, "standard descriptors: cannot open /dev/null");
	(void)close(fd); /* one too many */
	return ERR_OK;
}

enum err inherited_settle(struct error *e)
{
	static const int usual[] = { SIGCHLD, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPROF };

	for (size_t i = 0; i < countof(usual); i++)
		set_handler(usual[i], SIG_DFL);
	set_handler(SIGPIPE, SIG_IGN);
	set_handler(SIGXFSZ, SIG_IGN);
	unblock_all();
	return fill_descriptors(e);
}

void inherited_restore(void)
{
	set_handler(SIGPIPE, SIG_DFL);
	set_handler(SIGXFSZ, SIG_DFL);
	unblock_all();
}
