#include "app/lender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "base/trusted.h"
#include "fleet/channel.h"

enum { ANSWER_MS = 5000 };

/* A Lua file below the config's folder, by a path that does not lead out of it. */
static bool may_lend(const struct lender *l, const char *path)
{
	size_t n = strlen(path), folder = strlen(l->folder);

	return strncmp(path, l->folder, folder) == 0 && path[folder] != '/' && n > 4 &&
	       strcmp(path + n - 4, ".lua") == 0 && strstr(path + folder, "..") == NULL;
}

enum phase {
	EVALUATING, /* the config's code may ask */
	EVALUATED,  /* C asks */
};

/* A descriptor, or -1 with errno. */
static int lend_one(const struct lender *l, enum phase phase, const char *path)
{
	errno = EACCES;
	if (phase == EVALUATING && !may_lend(l, path))
		return -1;
	return trusted_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
}

/* With errno as the text when there is none. */
static void answer_loan(const struct lender *l, enum phase phase, int channel, const char *path)
{
	char why[16];
	int fd = lend_one(l, phase, path);

	if (fd < 0) {
		(void)snprintf(why, sizeof(why), "%d", errno);
		(void)message_send(channel, MESSAGE_REFUSED, why);
		return;
	}
	(void)message_send_fd(channel, MESSAGE_GO, NULL, fd);
	(void)close(fd); /* passed on */
}

/* In the process that is still root, until the other end is closed. */
static int lend(void *ctx, int channel)
{
	const struct lender *l = ctx;
	enum phase phase = EVALUATING;
	struct message m;
	enum err err;

	while ((err = message_wait(channel, -1, &m, NULL)) != ERR_GONE) {
		if (err == ERR_OK && m.kind == MESSAGE_READY)
			phase = EVALUATED;
		else if (err == ERR_OK)
			answer_loan(l, phase, channel, m.text);
	}
	return 0;
}

/* The bundle asks: a descriptor, or -1 with errno. */
static int borrow(void *ctx, const char *path)
{
	struct lender *l = ctx;
	struct message m;
	uint64_t sys = EACCES;
	int fd = -1;

	if (strlen(path) < sizeof(m.text) && message_send(l->child.channel, MESSAGE_GO, path) &&
	    message_wait(l->child.channel, ANSWER_MS, &m, &fd) == ERR_OK &&
	    m.kind == MESSAGE_REFUSED)
		(void)num_parse_u64(str_of(m.text), INT32_MAX, &sys);
	if (fd < 0)
		errno = (int)sys;
	return fd;
}

static void give_back(void *ctx)
{
	struct lender *l = ctx;

	(void)message_send(l->child.channel, MESSAGE_READY, NULL);
}

enum err lender_start(struct lender *l, struct bundle *b, const char *config, struct error *e)
{
	const char *slash = strrchr(config, '/');
	struct str folder = { config, slash == NULL ? 0 : (size_t)(slash - config) + 1 };

	if (!str_copy(l->folder, sizeof(l->folder), folder))
		return err_set(e, ERR_LIMIT, "%s: too long a path", config);
	enum err err = child_fork(&l->child, "reader", lend, l, e);
	if (err == ERR_OK)
		bundle_borrow(b, (struct bundle_lender){ borrow, give_back, l });
	return err;
}

void lender_turn(struct lender *l, struct bundle *secrets)
{
	if (l->child.pid > 0)
		bundle_borrow(secrets, (struct bundle_lender){ borrow, NULL, l });
}

void lender_end(struct lender *l)
{
	if (l->child.pid <= 0)
		return;
	(void)close(l->child.channel);	      /* the process reads the end, and ends */
	(void)child_finish(&l->child, false); /* how it ended does not matter */
	l->child.pid = 0;
}
