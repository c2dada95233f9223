#include "fleet/control.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/str.h"

enum { NAME_MAX_BYTES = 64 };

/* A pid belongs to a pid namespace, an abstract name to a network namespace: the name has both. */
static void print_prefix(char to[NAME_MAX_BYTES])
{
	struct stat st;
	unsigned long long space = 0;

	if (stat("/proc/self/ns/pid", &st) == 0)
		space = st.st_ino;
	(void)snprintf(to, NAME_MAX_BYTES, "neap-%llx-", space);
}

socklen_t control_address(struct sockaddr_un *a, pid_t pid)
{
	char prefix[NAME_MAX_BYTES];

	print_prefix(prefix);
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int n = snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "%s%ld", prefix, (long)pid);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

unsigned control_find(pid_t *pids, unsigned max)
{
	char prefix[NAME_MAX_BYTES], line[512];
	unsigned count = 0;
	uint64_t pid;
	FILE *file = fopen("/proc/net/unix", "re");

	print_prefix(prefix);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *at = strchr(line, '@');
		line[strcspn(line, "\n")] = '\0';
		if (at == NULL || strncmp(at + 1, prefix, strlen(prefix)) != 0 ||
		    !num_parse_u64(str_of(at + 1 + strlen(prefix)), INT32_MAX, &pid))
			continue;
		bool is_known = count > 0 && count <= max && pids[count - 1] == (pid_t)pid;
		if (!is_known && count < max)
			pids[count] = (pid_t)pid;
		count += is_known ? 0 : 1;
	}
	if (file != NULL)
		(void)fclose(file); /* only read from */
	return count;
}

static void on_client_message(struct channel *ch, const struct message *m)
{
	struct control_client *client = ch->owner;

	if (m->kind == MESSAGE_CONFIG)
		(void)channel_send(ch, MESSAGE_CONFIG, client->control->config);
	if (m->kind != MESSAGE_RELOAD || client->asks != 0)
		return;
	client->asks = client->control->on_reload(client->control);
	if (client->asks == 0) {
		(void)channel_send(ch, MESSAGE_REFUSED, "neap is about to end");
		channel_close(ch);
	}
}

static void on_client_closed(struct channel *ch)
{
	channel_close(ch);
}

/* A process that may send signals to this one may ask it, too. */
static bool may_ask(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static struct control_client *free_client(struct control *c)
{
	for (unsigned i = 0; i < countof(c->clients); i++) {
		if (c->clients[i].channel.fd < 0)
			return &c->clients[i];
	}
	return NULL;
}

static void take_client(struct control *c, int fd)
{
	struct control_client *client = free_client(c);

	if (client == NULL || !may_ask(fd)) {
		(void)close(fd); /* nothing was said */
		return;
	}
	channel_init(&client->channel, c->loop, fd);
	client->channel.owner = client;
	client->channel.on_message = on_client_message;
	client->channel.on_closed = on_client_closed;
	client->asks = 0;
	channel_start(&client->channel);
}

/* Takes all clients that wait: those that ask at the same time share a reload. */
static void control_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct control *c = container_of(w, struct control, reader);
	int fd;

	(void)ev, (void)events;
	while ((fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		take_client(c, fd);
}

static int open_socket(void)
{
	struct sockaddr_un a;
	socklen_t n = control_address(&a, getpid());
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&a, n) == 0 && listen(fd, CONTROL_CLIENTS_MAX) == 0)
		return fd;
	int sys = errno;
	(void)close(fd); /* never listened */
	errno = sys;
	return -1;
}

void control_open(struct control *c, struct loop *loop, bool may_hear)
{
	c->loop = loop;
	for (unsigned i = 0; i < countof(c->clients); i++) {
		channel_init(&c->clients[i].channel, loop, -1);
		c->clients[i].control = c;
	}
	c->fd = -1;
	if (!may_hear)
		return;
	c->fd = open_socket();
	if (c->fd < 0) {
		log_warn("neap reload cannot reach this process: %s; HUP does the same",
			 strerror(errno));
		return;
	}
	ev_io_init(&c->reader, control_cb, c->fd, EV_READ);
	ev_io_start(loop->ev, &c->reader);
}

void control_close(struct control *c)
{
	for (unsigned i = 0; i < countof(c->clients); i++)
		channel_close(&c->clients[i].channel);
	if (c->fd < 0)
		return;
	ev_io_stop(c->loop->ev, &c->reader);
	(void)close(c->fd);
	c->fd = -1;
}

void control_drop(const struct control *c)
{
	for (unsigned i = 0; i < countof(c->clients); i++) {
		if (c->clients[i].channel.fd >= 0)
			(void)close(c->clients[i].channel.fd);
	}
	if (c->fd >= 0)
		(void)close(c->fd);
}

void control_warn(const struct control *c, const char *text)
{
	for (unsigned i = 0; i < countof(c->clients); i++) {
		const struct control_client *client = &c->clients[i];
		if (client->channel.fd >= 0 && client->asks == 1)
			(void)channel_send(&client->channel, MESSAGE_WARNING, text);
	}
}

void control_tell(struct control *c, enum message_kind kind, const char *text)
{
	for (unsigned i = 0; i < countof(c->clients); i++) {
		struct control_client *client = &c->clients[i];
		if (client->channel.fd < 0 || client->asks == 0 || --client->asks > 0)
			continue;
		(void)channel_send(&client->channel, kind, text);
		channel_close(&client->channel);
	}
}
