#include "app/probe.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/runtime.h"
#include "app/warnings.h"
#include "base/log.h"
#include "fleet/generation.h"
#include "fleet/title.h"
#include "net/ping.h"
#include "script/trial.h"
#include "shm/board.h"

/* The agent says again what the config prints or warns about. */
static void be_quiet(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct error e;

	if (null < 0)
		return;
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(null, STDERR_FILENO);
	(void)close(null);
	(void)log_open("stderr", LOG_LEVEL_ERROR, &e); /* this cannot fail */
}

static void limit_itself(void)
{
	static const struct {
		int resource;
		rlim_t most;
	} limits[] = { { RLIMIT_CPU, 15 }, { RLIMIT_NOFILE, 64 }, { RLIMIT_CORE, 0 } };

	for (size_t i = 0; i < countof(limits); i++) {
		struct rlimit l = { limits[i].most, limits[i].most };
		(void)setrlimit((__rlimit_resource_t)limits[i].resource, &l);
	}
}

int probe_main(void *ward, int channel)
{
	struct generation *g = ((struct ward *)ward)->owner;
	struct identity nobody;
	struct runtime r;
	struct error e;
	char names[2 * CONF_NAME_MAX + 1];

	generation_in_child(g);
	be_quiet();
	limit_itself();
	identity_nobody(&nobody);
	struct runtime_options o = {
		.settings = g->settings,
		.identity = &nobody,
		.board = g->board,
		.memfd = -1,
		.secrets = -1,
		.must_fill = true,
		.worker = -1,
		.conf_only = true,
	};
	if (runtime_init(&r, &o, &e) != ERR_OK) {
		(void)message_send(channel, MESSAGE_ERROR, e.text);
		return 1;
	}
	(void)snprintf(names, sizeof(names), "%s\n%s", r.conf.user, r.conf.group);
	(void)message_send(channel, MESSAGE_USER, names);
	runtime_fini(&r);
	return 0;
}

/* What loading warns of the agent says. */
static enum err try_policies(struct generation *g, struct board *board, int channel,
			     struct error *e)
{
	struct runtime r;
	struct warnings w;
	struct runtime_options o = {
		.settings = g->settings,
		.identity = &g->identity,
		.board = board,
		.memfd = g->memfd,
		.secrets = -1,
		.worker = -1,
	};
	enum err err = runtime_init(&r, &o, e);

	if (err != ERR_OK)
		return err;
	warnings_begin(&w, channel);
	err = trial_run(r.policies, false, e);
	warnings_end();
	runtime_fini(&r);
	return err;
}

int probe_try_main(void *ward, int channel)
{
	struct generation *g = ((struct ward *)ward)->owner;
	struct board *board; /* the generation's own would count what is tried here */
	struct error e;

	title_set("neap: trial (generation %u)", g->number);
	generation_in_child(g);
	sockets_close(g->sockets);
	wakers_fini(&g->wakers);
	be_quiet();
	limit_itself();
	ping_remember_groups();
	(void)unshare(CLONE_NEWNET); /* where it may: then a mistake reaches nothing */
	enum err err = board_create(&board, &e);
	if (err == ERR_OK) {
		err = try_policies(g, board, channel, &e);
		board_destroy(board);
	}
	(void)message_send(channel, err == ERR_OK ? MESSAGE_READY : MESSAGE_ERROR,
			   err == ERR_OK ? NULL : e.text);
	return err == ERR_OK ? 0 : 1;
}
