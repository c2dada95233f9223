#include "app/admin_socket.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listener.h"

static enum err give(const struct admin_socket *s, const struct board_plan *p, struct error *e)
{
	const char *path = s->addr.u.un.sun_path;
	const struct group *group = NULL;

	if (p->admin_group[0] != '\0') {
		group = getgrnam(p->admin_group);
		if (group == NULL)
			return err_set(e, ERR_INVALID,
				       "admin.group: there is no group '%s' on this machine",
				       p->admin_group);
	}
	if (group != NULL && lchown(path, (uid_t)-1, group->gr_gid) != 0)
		return err_sys(e, errno, "admin.group: cannot give %s to '%s'", path,
			       p->admin_group);
	if (chmod(path, (mode_t)p->admin_mode) != 0)
		return err_sys(e, errno, "admin.mode: cannot change %s", path);
	return ERR_OK;
}

static enum err bind_new(struct admin_socket *s, const struct board_plan *p, struct error *e)
{
	enum err err = addr_parse(&s->addr, str_of(p->admin), e);

	if (err != ERR_OK)
		return err;
	bool is_unix = addr_is_unix(&s->addr);
	mode_t before = umask(0777);
	(void)umask(is_unix ? 0777 : before); /* nobody, until it is given to somebody */
	err = listener_bind(&s->addr, 1, false, &s->fd, e);
	(void)umask(before);
	if (err == ERR_OK && is_unix)
		err = give(s, p, e);
	if (err == ERR_OK)
		return ERR_OK;
	admin_socket_unlink(s);
	admin_socket_close(s);
	return err;
}

enum err admin_socket_claim(struct admin_socket *next, const struct admin_socket *serving,
			    const struct board_plan *p, struct error *e)
{
	*next = (struct admin_socket){ .fd = -1 };
	if (p->admin[0] == '\0')
		return ERR_OK;
	if (serving->fd >= 0 && strcmp(serving->address, p->admin) == 0) {
		*next = *serving;
		return addr_is_unix(&next->addr) ? give(next, p, e) : ERR_OK;
	}
	(void)str_copy(next->address, sizeof(next->address), str_of(p->admin));
	return bind_new(next, p, e);
}

void admin_socket_replace(struct admin_socket *serving, struct admin_socket *next)
{
	if (serving->fd != next->fd) {
		admin_socket_unlink(serving);
		admin_socket_close(serving);
	}
	*serving = *next;
	next->fd = -1;
}

void admin_socket_release(struct admin_socket *next, const struct admin_socket *serving)
{
	if (next->fd != serving->fd) {
		admin_socket_unlink(next);
		admin_socket_close(next);
	}
	next->fd = -1;
}

void admin_socket_close(struct admin_socket *s)
{
	if (s->fd >= 0)
		(void)close(s->fd); /* others hold it too, or nobody will */
	s->fd = -1;
}

void admin_socket_unlink(const struct admin_socket *s)
{
	if (s->fd >= 0 && addr_is_unix(&s->addr) && s->addr.u.un.sun_path[0] == '/')
		(void)unlink(s->addr.u.un.sun_path);
}
