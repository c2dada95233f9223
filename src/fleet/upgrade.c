#include "fleet/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "fleet/child.h"
#include "fleet/handover.h"
#include "fleet/inherited.h"
#include "shm/state.h"

enum { READY_MS = 90000 }; /* its own processes have shorter deadlines (fleet/patience.h) */

static void end_upgrade(struct upgrade *u)
{
	ev_timer_stop(u->loop->ev, &u->deadline);
	channel_close(&u->channel);
	u->pid = 0;
	u->state = UPGRADE_NONE;
}

static void on_upgrade_message(struct channel *c, const struct message *m)
{
	struct upgrade *u = c->owner;

	if (m->kind == MESSAGE_ERROR) {
		(void)str_copy(u->error, sizeof(u->error), str_of(m->text));
	} else if (m->kind == MESSAGE_READY && u->state == UPGRADE_STARTING) {
		u->state = UPGRADE_SERVES;
		ev_timer_stop(u->loop->ev, &u->deadline);
		u->on_ready(u);
	}
}

static void on_upgrade_closed(struct channel *c)
{
	channel_close(c); /* SIGCHLD tells of its end */
}

static void deadline_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct upgrade *u = container_of(t, struct upgrade, deadline);

	(void)ev, (void)events;
	(void)snprintf(u->error, sizeof(u->error), "it did not serve within %d s", READY_MS / 1000);
	(void)kill(u->pid, SIGKILL);
}

void upgrade_init(struct upgrade *u, struct loop *loop)
{
	u->loop = loop;
	channel_init(&u->channel, loop, -1);
	ev_timer_init(&u->deadline, deadline_cb, READY_MS / 1e3, 0);
}

void upgrade_fini(struct upgrade *u)
{
	end_upgrade(u);
}

/* In the child. Everything else that is open is closed by exec. */
static _Noreturn void become(const struct upgrade *u, const struct handover_parts *parts,
			     const struct handover_fds *fds)
{
	char text[512];

	inherited_restore();
	if (chdir(u->settings->folder) == 0 && handover_pass(parts, fds))
		(void)execv(u->binary, u->argv);
	(void)snprintf(text, sizeof(text), "cannot start %s: %s", u->binary, strerror(errno));
	(void)message_send(fds->channel, MESSAGE_ERROR, text);
	_exit(1);
}

static enum err fork_it(struct upgrade *u, const struct handover_parts *parts,
			struct handover_fds *fds, struct error *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_sys(e, errno, "socketpair");
	(void)fflush(stdout);
	fds->channel = pair[1];
	u->pid = fork();
	if (u->pid == 0)
		become(u, parts, fds);
	int sys = errno;
	(void)close(pair[1]);
	if (u->pid < 0) {
		u->pid = 0;
		(void)close(pair[0]);
		return err_sys(e, sys, "fork");
	}
	channel_init(&u->channel, u->loop, pair[0]);
	u->channel.owner = u;
	u->channel.on_message = on_upgrade_message;
	u->channel.on_closed = on_upgrade_closed;
	channel_start(&u->channel);
	return ERR_OK;
}

enum err upgrade_start(struct upgrade *u, const struct generation *from, struct error *e)
{
	struct handover_fds fds = {
		.channel = -1, .list = -1, .state = -1, .journal = from->journal
	};

	const struct handover_parts parts = { u->sockets, u->admin, &from->stores };

	u->error[0] = '\0';
	enum err err = handover_write(&parts, &fds.list, e);
	if (err == ERR_OK)
		err = state_write(from->board, &fds.state, e);
	if (err == ERR_OK)
		err = fork_it(u, &parts, &fds, e);
	if (fds.list >= 0)
		(void)close(fds.list);
	if (fds.state >= 0)
		(void)close(fds.state);
	if (err != ERR_OK)
		return err;
	u->state = UPGRADE_STARTING;
	ev_timer_start(u->loop->ev, &u->deadline);
	return ERR_OK;
}

void upgrade_yield(struct upgrade *u)
{
	(void)channel_send(&u->channel, MESSAGE_GO, NULL);
}

void upgrade_stop(struct upgrade *u)
{
	if (u->state == UPGRADE_STARTING)
		(void)kill(u->pid, SIGKILL);
}

bool upgrade_ended(struct upgrade *u, pid_t pid, int status)
{
	char how[64], why[sizeof(u->error) + 128];

	if (u->pid != pid)
		return false;
	channel_read(&u->channel); /* its last words */
	child_describe_end(status, how, sizeof(how));
	(void)snprintf(why, sizeof(why), "process %ld %s%s%s", (long)pid, how,
		       u->error[0] != '\0' ? ": " : "", u->error);
	enum upgrade_state was = u->state;
	end_upgrade(u);
	if (was != UPGRADE_SERVES)
		u->on_failed(u, why);
	return true;
}

void upgrade_drop(const struct upgrade *u)
{
	if (u->channel.fd >= 0)
		(void)close(u->channel.fd);
}
